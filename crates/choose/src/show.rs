//! Figures as people read them: three digits and a unit.

/// Seconds, as `1.25 s`, `38.1 ms` or `12 us`.
pub fn seconds(seconds: f64) -> String {
    if seconds >= 1.0 {
        format!("{seconds:.2} s")
    } else if seconds >= 1e-3 {
        format!("{} ms", digits(seconds * 1e3))
    } else {
        format!("{} us", digits(seconds * 1e6))
    }
}

/// Nanoseconds, as `0.4 ns`, `125 ns` or `9.1 us`.
pub fn nanoseconds(nanoseconds: f64) -> String {
    if nanoseconds >= 1e3 {
        format!("{} us", digits(nanoseconds / 1e3))
    } else {
        format!("{} ns", digits(nanoseconds))
    }
}

/// Bytes, as `812 KiB` or `10.4 MiB`.
pub fn bytes(bytes: u64) -> String {
    let kibibytes = bytes as f64 / 1024.0;
    if kibibytes >= 1024.0 {
        format!("{} MiB", digits(kibibytes / 1024.0))
    } else {
        format!("{} KiB", digits(kibibytes))
    }
}

/// How many times as fast, as `1.9` or `105`.
pub fn times(factor: f64) -> String {
    if factor < 9.95 { format!("{factor:.1}") } else { format!("{factor:.0}") }
}

/// How many workers, as `1 worker` or `200 workers`.
pub fn workers(count: usize) -> String {
    format!("{count} worker{}", if count == 1 { "" } else { "s" })
}

/// At most three digits, but never fewer than there are in front of the point.
fn digits(figure: f64) -> String {
    match figure {
        figure if figure >= 99.95 => format!("{figure:.0}"),
        figure if figure >= 0.995 => format!("{figure:.1}"),
        figure => format!("{figure:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_change_where_the_digits_run_out() {
        assert_eq!([1.25, 0.0381, 0.3071, 12e-6].map(seconds), ["1.25 s", "38.1 ms", "307 ms", "12.0 us"]);
        assert_eq!([0.21, 125.4, 9_134.0].map(nanoseconds), ["0.21 ns", "125 ns", "9.1 us"]);
        assert_eq!([1, 2].map(workers), ["1 worker", "2 workers"]);
        assert_eq!([2 << 10, 10_900_000].map(bytes), ["2.0 KiB", "10.4 MiB"]);
    }
}
