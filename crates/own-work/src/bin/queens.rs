//! In how many ways N queens can stand on a board of N times N so that none attacks another, and advice on how to count
//! them: `cargo run --release -p own-work --bin queens -- 14`.

use std::env;

use serde::{Deserialize, Serialize};
use workload::{PieceError, Workload};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Queens {
    size: u32,
}

// ANCHOR: workload
impl Workload for Queens {
    const NAME: &'static str = "queens";
    /// Where the queens of the first two rows stand.
    type Piece = [u32; 2];
    /// In how many ways the others can.
    type Part = u64;

    fn pieces(&self) -> Result<Vec<[u32; 2]>, PieceError> {
        if !(4..=20).contains(&self.size) {
            return Err(PieceError::new(format_args!(
                "a board of {0} x {0}: 4 to 20 are possible",
                self.size
            )));
        }
        let all = (0..self.size).flat_map(|first| (0..self.size).map(move |second| [first, second]));
        Ok(all.filter(|[first, second]| first.abs_diff(*second) > 1).collect())
    }

    fn run(&self, place: &[u32; 2]) -> Result<u64, PieceError> {
        let [first, second] = place.map(|column| 1 << column);
        Ok(self.ways(first | second, ((first << 1) | second) << 1, ((first >> 1) | second) >> 1))
    }

    fn combine(&self, left: &mut u64, right: u64) {
        *left += right;
    }
}
// ANCHOR_END: workload

impl Queens {
    /// Ways to fill the rows that are left. Bits are columns of the next row that are attacked: straight, and along
    /// either diagonal.
    fn ways(&self, straight: u32, left: u32, right: u32) -> u64 {
        let all = (1 << self.size) - 1;
        let mut free = all & !(straight | left | right);
        let mut ways = u64::from(straight == all);
        while free != 0 {
            let queen = free & free.wrapping_neg();
            free ^= queen;
            ways += self.ways(straight | queen, (left | queen) << 1, (right | queen) >> 1);
        }
        ways
    }
}

fn main() -> anyhow::Result<()> {
    choose::enter::<Queens>();
    let size = env::args().nth(1).map_or(Ok(14), |given| given.parse())?;
    println!("{}", choose::advise(Queens { size })?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use workload::{Timeline, sequential};

    use super::Queens;

    #[test]
    fn there_are_as_many_ways_as_others_have_counted() {
        // <https://oeis.org/A000170>
        for (size, ways) in [(4, 2), (5, 10), (6, 4), (7, 40), (8, 92), (10, 724)] {
            assert_eq!(sequential(&Queens { size }, &Timeline::off()).unwrap(), ways, "{size}");
        }
        assert!(sequential(&Queens { size: 3 }, &Timeline::off()).is_err());
    }
}
