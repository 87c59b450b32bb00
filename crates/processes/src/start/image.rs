//! What exec needs, laid out before: between fork and exec nothing may be allocated.

use std::{
    env,
    ffi::{CStr, CString, OsStr, c_char},
    io,
    os::unix::ffi::OsStrExt,
    ptr,
};

/// A program with its arguments, and the environment of this process.
#[derive(Debug)]
pub struct Image {
    path: CString,
    arguments: Strings,
    environment: Strings,
}

impl Image {
    /// The file at `path`, which is not searched for, with the path as the first argument and `arguments` after it.
    ///
    /// # Errors
    /// When one of them has a zero byte in it.
    pub fn new<S: AsRef<OsStr>>(path: &str, arguments: impl IntoIterator<Item = S>) -> io::Result<Self> {
        let path = CString::new(path)?;
        let arguments = arguments.into_iter().map(|argument| CString::new(argument.as_ref().as_bytes()));
        let arguments = [Ok(path.clone())].into_iter().chain(arguments).collect::<Result<_, _>>()?;
        let variables = env::vars_os().map(|(mut name, value)| {
            name.push("=");
            name.push(value);
            CString::new(name.as_bytes())
        });
        let environment = Strings::new(variables.collect::<Result<_, _>>()?);
        Ok(Self { path, arguments: Strings::new(arguments), environment })
    }

    /// The file.
    pub(super) fn path(&self) -> &CStr {
        &self.path
    }

    /// As in `main(argc, argv)`.
    pub(super) fn arguments(&self) -> *const *mut c_char {
        self.arguments.pointers.as_ptr().cast()
    }

    /// As in environ(7).
    pub(super) fn environment(&self) -> *const *mut c_char {
        self.environment.pointers.as_ptr().cast()
    }
}

/// Strings as C wants a list of them: pointers, the last one null.
#[derive(Debug)]
struct Strings {
    /// What `pointers` point to.
    _owned: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl Strings {
    fn new(owned: Vec<CString>) -> Self {
        let pointers = owned.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect();
        Self { _owned: owned, pointers }
    }
}
