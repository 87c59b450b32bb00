//! A CPython inside our own process, loaded at run time: Rust threads take its lock, and let it go.
//!
//! Seven functions of the stable ABI (<https://docs.python.org/3/c-api/stable.html>), the same since 3.2:
//!
//! | function | does |
//! |---|---|
//! | `Py_InitializeEx`, `Py_FinalizeEx`, `Py_IsInitialized` | start and end the interpreter; who starts it holds the GIL |
//! | `PyEval_SaveThread`, `PyEval_RestoreThread` | let the GIL go and take it back: `Py_BEGIN_ALLOW_THREADS` and its end |
//! | `PyGILState_Ensure`, `PyGILState_Release` | take the GIL on a thread that Python may never have heard of |
//!
//! And an eighth, which is not in the stable ABI but in every CPython: `PyRun_SimpleString` runs code.
//!
//! Whatever goes wrong in there ends the process: play it in a scene.

use std::{
    env,
    ffi::{CString, NulError, c_char, c_int, c_void},
    path::PathBuf,
};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

use super::Interpreter;

/// Why no interpreter runs in this process, or why code did not run.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The interpreter was built without a shared library, or it is not installed.
    #[error("{0} comes without a shared library")]
    NoLibrary(String),
    /// The library cannot be loaded, or lacks a function.
    #[error("{path}: {why}")]
    Load {
        /// The library.
        path: PathBuf,
        /// The loader's reason.
        why: libloading::Error,
    },
    /// Another one runs in this process already.
    #[error("an interpreter runs in this process already")]
    Twice,
    /// The code holds a zero byte.
    #[error("code with a zero byte: {0}")]
    Zero(#[from] NulError),
    /// An exception, which Python has printed to stderr.
    #[error("Python raised an exception")]
    Exception,
}

/// A running interpreter. The GIL is free unless a [`Held`] says otherwise. Dropped, it ends.
pub struct Python {
    calls: Calls,
    /// Of the thread that started it, which must also end it.
    main: *mut c_void,
}

/// Proof that this thread holds the GIL: until it is dropped.
pub struct Held<'a> {
    python: &'a Python,
    state: c_int,
    /// A thread gives back the lock itself: not `Send`.
    _here: std::marker::PhantomData<*mut ()>,
}

// SAFETY: `main` is used by `drop` only, and the functions may be called by any thread that keeps to what `attach`
// and `Held` see to: with the GIL held, or to take it.
unsafe impl Sync for Python {}

struct Calls {
    finalize: unsafe extern "C" fn() -> c_int,
    save: unsafe extern "C" fn() -> *mut c_void,
    restore: unsafe extern "C" fn(*mut c_void),
    ensure: unsafe extern "C" fn() -> c_int,
    release: unsafe extern "C" fn(c_int),
    run: unsafe extern "C" fn(*const c_char) -> c_int,
    /// Never closed: code of an ended interpreter may still be referred to (exit handlers, thread-local keys).
    _library: std::mem::ManuallyDrop<Library>,
}

impl Python {
    /// Loads the library of `interpreter` and starts it, with the GIL let go.
    ///
    /// Sets `PYTHONHOME` of this process.
    ///
    /// # Safety
    /// No other thread may read or write the environment meanwhile: call it while there is only one thread.
    ///
    /// # Errors
    /// When there is no library, it cannot be loaded, or an interpreter runs here already.
    pub unsafe fn start(interpreter: &Interpreter) -> Result<Self, EmbedError> {
        let path = interpreter.library.clone();
        let path = path.ok_or_else(|| EmbedError::NoLibrary(interpreter.full_version.clone()))?;
        let load = |why| EmbedError::Load { path: path.clone(), why };
        // Global: modules written in C look for the interpreter's functions among those of the process.
        // SAFETY: running the library's initialisers is what loading CPython means; they do nothing else.
        let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_GLOBAL) }.map_err(load)?;
        // SAFETY: names and types as in CPython's Include/pylifecycle.h, ceval.h, pystate.h and pythonrun.h.
        let (is_initialized, initialize, calls) = unsafe {
            let is_initialized =
                *library.get::<unsafe extern "C" fn() -> c_int>(c"Py_IsInitialized").map_err(load)?;
            let initialize = *library.get::<unsafe extern "C" fn(c_int)>(c"Py_InitializeEx").map_err(load)?;
            let calls = Calls {
                finalize: *library.get(c"Py_FinalizeEx").map_err(load)?,
                save: *library.get(c"PyEval_SaveThread").map_err(load)?,
                restore: *library.get(c"PyEval_RestoreThread").map_err(load)?,
                ensure: *library.get(c"PyGILState_Ensure").map_err(load)?,
                release: *library.get(c"PyGILState_Release").map_err(load)?,
                run: *library.get(c"PyRun_SimpleString").map_err(load)?,
                _library: std::mem::ManuallyDrop::new(library),
            };
            (is_initialized, initialize, calls)
        };
        // SAFETY: no requirement.
        if unsafe { is_initialized() } != 0 {
            return Err(EmbedError::Twice);
        }
        // SAFETY: the caller promises that nobody else looks at the environment.
        unsafe { env::set_var("PYTHONHOME", &interpreter.home) };
        // SAFETY: not initialised yet. 0: the process keeps its own signal handlers. Afterwards this thread holds the
        // GIL, so it may let it go.
        let main = unsafe {
            initialize(0);
            (calls.save)()
        };
        Ok(Self { calls, main })
    }

    /// Takes the GIL: this thread may run Python until what is returned is dropped.
    pub fn attach(&self) -> Held<'_> {
        // SAFETY: the interpreter runs as long as `self` lives. A thread that holds the GIL already may call it too.
        let state = unsafe { (self.calls.ensure)() };
        Held { python: self, state, _here: std::marker::PhantomData }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // SAFETY: no `Held` is left, as each borrows `self`; `main` was given by `save`, on the thread that cannot have
        // changed (`Python` is not `Send`). What an end of the interpreter reports here (unflushed output) is lost.
        unsafe {
            (self.calls.restore)(self.main);
            (self.calls.finalize)();
        }
    }
}

impl Held<'_> {
    /// Runs `code` in the module `__main__`.
    ///
    /// # Errors
    /// [`EmbedError::Exception`] where it raises one, [`EmbedError::Zero`] where it cannot be handed over.
    pub fn run(&self, code: &str) -> Result<(), EmbedError> {
        let code = CString::new(code)?;
        // SAFETY: this thread holds the GIL; the text ends with a zero byte and lives until the call returns.
        match unsafe { (self.python.calls.run)(code.as_ptr()) } {
            0 => Ok(()),
            _ => Err(EmbedError::Exception),
        }
    }

    /// Runs `work`, which is not to touch Python, with the GIL let go: `Py_BEGIN_ALLOW_THREADS`.
    pub fn without_gil<T>(&mut self, work: impl FnOnce() -> T) -> T {
        /// Takes it back even when `work` panics.
        struct Back<'a>(&'a Calls, *mut c_void);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                // SAFETY: the state that `save` has given to this very thread.
                unsafe { (self.0.restore)(self.1) };
            }
        }
        let calls = &self.python.calls;
        // SAFETY: this thread holds the GIL.
        let _back = Back(calls, unsafe { (calls.save)() });
        work()
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // SAFETY: what `ensure` returned, on the same thread (`Held` is not `Send`), and the GIL is held.
        unsafe { (self.python.calls.release)(self.state) };
    }
}
