//! The arithmetic, one point at a time and many at a time: both give the same counts to the last bit.
//!
//! Equal because both do the same IEEE operations in the same order (Rust never contracts a product and a sum
//! into a fused multiply-add, which would round once instead of twice).

use std::sync::LazyLock;

/// How many of `iterations` the point c = `re` + i `im` takes to leave the circle of radius 2, counted from
/// z = 0; `iterations` if it does not. One point at a time: what every other kernel is compared with.
pub fn scalar(re: f64, im: f64, iterations: u16) -> u16 {
    let (mut x, mut y) = (0.0, 0.0);
    for count in 0..iterations {
        let (xx, yy) = (x * x, y * y);
        if xx + yy > 4.0 {
            return count;
        }
        y = 2.0 * x * y + im;
        x = xx - yy + re;
    }
    iterations
}

type Escapes = fn(&[f64], &[f64], u16, &mut [u16]);

/// A compiled form of the same loop, for one kind of machine.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    name: &'static str,
    escapes: Escapes,
}

impl Kernel {
    /// All that run on this machine, the fastest first; the last one is [`scalar`].
    pub fn available() -> Vec<Kernel> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
                // SAFETY: the machine has just said that it has what `avx512` is compiled for.
                let escapes: Escapes = |re, im, iterations, out| unsafe { avx512(re, im, iterations, out) };
                kernels.push(Kernel { name: "avx512", escapes });
            }
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the machine has just said that it has what `avx2` is compiled for.
                let escapes: Escapes = |re, im, iterations, out| unsafe { avx2(re, im, iterations, out) };
                kernels.push(Kernel { name: "avx2", escapes });
            }
        }
        // What every machine of the target has: two lanes a register with SSE2 and with NEON.
        kernels.push(Kernel { name: "baseline", escapes: in_blocks::<8> });
        kernels.push(Kernel { name: "scalar", escapes: one_by_one });
        kernels
    }

    /// The fastest of this machine.
    pub fn fastest() -> Kernel {
        static FASTEST: LazyLock<Kernel> = LazyLock::new(|| Kernel::available()[0]);
        *FASTEST
    }

    /// What it is called: `avx512`, `avx2`, `baseline` (SSE2, NEON), `scalar`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The counts of the points c = `re[i]` + i `im[i]`, see [`scalar`].
    ///
    /// # Panics
    /// When `re` and `im` differ in length.
    pub fn escapes(&self, re: &[f64], im: &[f64], iterations: u16) -> Vec<u16> {
        assert_eq!(re.len(), im.len(), "each point has two coordinates");
        let mut counts = vec![0; re.len()];
        (self.escapes)(re, im, iterations, &mut counts);
        counts
    }
}

fn one_by_one(re: &[f64], im: &[f64], iterations: u16, counts: &mut [u16]) {
    for ((count, &re), &im) in counts.iter_mut().zip(re).zip(im) {
        *count = scalar(re, im, iterations);
    }
}

/// 4 registers of 8 lanes in flight.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
fn avx512(re: &[f64], im: &[f64], iterations: u16, counts: &mut [u16]) {
    in_blocks::<32>(re, im, iterations, counts);
}

/// 4 registers of 4 lanes in flight.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(re: &[f64], im: &[f64], iterations: u16, counts: &mut [u16]) {
    in_blocks::<16>(re, im, iterations, counts);
}

/// `LANES` points at a time; inlined into each of the above, so that it is compiled for that machine.
#[inline(always)]
fn in_blocks<const LANES: usize>(re: &[f64], im: &[f64], iterations: u16, counts: &mut [u16]) {
    let mut blocks = re.chunks(LANES).zip(im.chunks(LANES)).zip(counts.chunks_mut(LANES));
    for ((re, im), counts) in &mut blocks {
        // The last block may be short: its other lanes do a point that leaves early, (2, 2).
        let (mut re_lanes, mut im_lanes) = ([2.0; LANES], [2.0; LANES]);
        re_lanes[..re.len()].copy_from_slice(re);
        im_lanes[..im.len()].copy_from_slice(im);
        for (count, lane) in counts.iter_mut().zip(block(&re_lanes, &im_lanes, iterations)) {
            *count = lane as u16;
        }
    }
}

/// Iterations between two looks at whether all lanes have left: a look costs about as much as an iteration.
const STEPS: u16 = 4;

/// An iteration is a chain of three operations that wait for each other, four cycles each: a single register
/// would leave the machine idle most of the time. So a block is several registers, whose chains overlap.
#[inline(always)]
fn block<const LANES: usize>(re: &[f64; LANES], im: &[f64; LANES], iterations: u16) -> [u64; LANES] {
    let mut z = Lanes { x: [0.0; LANES], y: [0.0; LANES], inside: [ALL_ONES; LANES], count: [0; LANES] };
    for _ in 0..iterations / STEPS {
        for _ in 0..STEPS {
            z.step(re, im);
        }
        if z.inside.iter().fold(0, |any, lane| any | lane) == 0 {
            return z.count;
        }
    }
    for _ in 0..iterations % STEPS {
        z.step(re, im);
    }
    z.count
}

const ALL_ONES: u64 = u64::MAX;

struct Lanes<const LANES: usize> {
    x: [f64; LANES],
    y: [f64; LANES],
    /// All ones as long as the point has not left, then 0 for good: what a comparison of vectors gives.
    inside: [u64; LANES],
    count: [u64; LANES],
}

impl<const LANES: usize> Lanes<LANES> {
    /// No branch, so that the compiler makes one vector operation of each line.
    #[inline(always)]
    fn step(&mut self, re: &[f64; LANES], im: &[f64; LANES]) {
        for lane in 0..LANES {
            let (x, y) = (self.x[lane], self.y[lane]);
            let (xx, yy) = (x * x, y * y);
            self.inside[lane] &= if xx + yy > 4.0 { 0 } else { ALL_ONES };
            // All ones is -1: subtracting it counts one.
            self.count[lane] = self.count[lane].wrapping_sub(self.inside[lane]);
            self.y[lane] = 2.0 * x * y + im[lane];
            self.x[lane] = xx - yy + re[lane];
        }
    }
}
