//! Numbers that look random and are the same each time: a failure names its seed, and the seed repeats it.

/// The number that belongs to `seed`: neighbours get numbers that have nothing in common (SplitMix64: Steele, Lea and
/// Flood, *Fast Splittable Pseudorandom Number Generators*, 2014).
pub fn mix(seed: u64) -> u64 {
    let x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    /// The first numbers of the generator as its authors publish it, which goes from seed to seed in steps of a constant.
    #[test]
    fn it_is_split_mix_64() {
        let seeds = [0, 0x9e37_79b9_7f4a_7c15];
        assert_eq!(seeds.map(super::mix), [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
    }
}
