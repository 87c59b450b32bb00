//! Whatever somebody sends who has not shown the key yet: a header is a length within the maximum or refused, whatever its cut;
//! no answer is taken but the one that the key makes.

#![no_main]

use ipc::python::{
    Key, challenge,
    header::{self, Header},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [maximum, bytes @ ..] = bytes else { return };
    let maximum = usize::from(*maximum) << 8;
    match header::decode(bytes, maximum) {
        Ok(Header::Whole { header, message }) => {
            assert!(message <= maximum && header <= bytes.len());
            for cut in 0..header {
                assert!(
                    matches!(header::decode(&bytes[..cut], maximum), Ok(Header::Needs(more)) if more > cut)
                );
            }
            // The long form may say what the short one says too.
            let (again, length) = header::encode(message);
            assert!(length <= header && header::decode(&again[..length], maximum).is_ok());
        }
        Ok(Header::Needs(more)) => assert!(more > bytes.len()),
        Err(refused) => assert!(!refused.to_string().is_empty()),
    }
    let key = Key::new("a key that is not among the bytes");
    let ours = b"{sha256}forty bytes that nobody else has drawn!!";
    assert!(challenge::verify(&key, ours, bytes).is_err());
    assert!(challenge::verify(&key, ours, &[b"{sha256}", bytes].concat()).is_err());
    assert!(challenge::verify(&key.clone().without_md5(), ours, bytes).is_err());
    if let Ok(answer) = challenge::answer(&key, bytes) {
        assert!(challenge::verify(&key, bytes, &answer).is_ok());
    }
});
