//! The name of a job for any workload, joined of two texts while the program is compiled.

/// What kind of job, and the workload's name: one text, by which a worker finds its job.
///
/// ```
/// use processes::worker::JobName;
///
/// const NAME: &JobName = &JobName::of("ring: ", "words");
/// assert_eq!(NAME.as_str(), "ring: words");
/// ```
///
/// A name that is too long does not compile:
///
/// ```compile_fail
/// use processes::worker::JobName;
///
/// const NAME: JobName = JobName::of("a kind of job that is described at length: ", "by much more than 64 bytes");
/// # assert!(!NAME.as_str().is_empty());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct JobName {
    // An array whose length depends on a generic type is not possible: hence room enough for any.
    bytes: [u8; 64],
    length: usize,
}

impl JobName {
    /// The two in a row.
    ///
    /// # Panics
    /// While compiling, where it is used in a constant: when they are longer than 64 bytes.
    pub const fn of(kind: &str, workload: &str) -> Self {
        let mut bytes = [0; 64];
        let (first, rest) = bytes.split_at_mut(kind.len());
        first.copy_from_slice(kind.as_bytes());
        rest.split_at_mut(workload.len()).0.copy_from_slice(workload.as_bytes());
        Self { bytes, length: kind.len() + workload.len() }
    }

    /// As text.
    pub const fn as_str(&self) -> &str {
        match str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(name) => name,
            Err(_) => panic!("two texts in a row are a text"),
        }
    }
}
