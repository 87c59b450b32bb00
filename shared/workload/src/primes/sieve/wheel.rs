//! Of 30 numbers in a row, 8 are no multiples of 2, 3 and 5: one bit each, 30 numbers to a byte.

/// Numbers to a byte.
pub(super) const TURN: u64 = 30;

/// Bit i of byte b stands for the number 30 b + `SPOKES[i]`.
pub(super) const SPOKES: [u8; 8] = [1, 7, 11, 13, 17, 19, 23, 29];

/// Which spoke `number` is on; `None` for multiples of 2, 3 and 5.
pub(super) const fn spoke(number: u64) -> Option<usize> {
    let mut index = 0;
    while index < SPOKES.len() {
        if SPOKES[index] as u64 == number % TURN {
            return Some(index);
        }
        index += 1;
    }
    None
}

/// A byte in which all numbers from spoke value `from` on are kept.
pub(super) fn keep_from(from: u64) -> u8 {
    let kept = SPOKES.iter().enumerate().filter(|(_, spoke)| u64::from(**spoke) >= from);
    kept.fold(0, |mask, (bit, _)| mask | 1 << bit)
}
