//! What the server of [`super::Fetch::local`] serves, and how anyone's documents are summed up.

/// The body of document `number`: 2 to 6 KiB that are the same each time and differ from document to document.
pub fn body(number: u64) -> Vec<u8> {
    let mut state = number;
    let len = 2048 + splitmix(&mut state) as usize % 4096;
    let mut body = Vec::with_capacity(len + 8);
    while body.len() < len {
        body.extend(splitmix(&mut state).to_le_bytes());
    }
    body.truncate(len);
    body
}

/// Depends on every byte, on their order, and on which document it is.
pub fn checksum(number: u64, body: &[u8]) -> u64 {
    let (words, rest) = body.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mut sum = mix(number ^ mix(body.len() as u64));
    for word in words.iter().chain([&last]) {
        sum = mix(sum ^ u64::from_le_bytes(*word));
    }
    sum
}

/// The generator SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mix(*state)
}

/// Its mixing function: a bit of the input changes half of the bits of the output; no two inputs have the same output.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
