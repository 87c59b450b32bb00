//! A workshop on a package of a few lines: each verdict comes out, and the package itself is not touched.

use std::{fs, path::Path, time::Duration};

use mutants::{
    checks::{Check, World},
    of_source,
    workshop::{Verdict, Workshop},
};
use tempfile::TempDir;

const SOURCE: &str = "
    use std::sync::{Condvar, Mutex, atomic::{AtomicU32, Ordering::SeqCst}};
    pub static COUNT: AtomicU32 = AtomicU32::new(0);
    pub fn count() { COUNT.store(1, SeqCst); COUNT.fetch_add(1, SeqCst); }
    pub fn wake() -> u32 { 7 }
    pub fn used() -> u32 { wake() }
    static IS_OPEN: Mutex<bool> = Mutex::new(false);
    static OPENED: Condvar = Condvar::new();
    static ARRIVED: Condvar = Condvar::new();
    pub fn open() { let mut waits = IS_OPEN.lock().unwrap();
        while !*waits { waits = ARRIVED.wait(waits).unwrap(); }
        *waits = false; drop(waits); OPENED.notify_all(); }
    pub fn wait() { let mut waits = IS_OPEN.lock().unwrap(); *waits = true; ARRIVED.notify_all();
        while *waits { waits = OPENED.wait(waits).unwrap(); } }
";
const TEST: &str = "
    #[test] fn counts() { synchronization::count(); assert_eq!(synchronization::COUNT.load(std::sync::atomic::Ordering::Relaxed), 2); }
    #[test] fn opens() { let other = std::thread::spawn(synchronization::wait); synchronization::open(); other.join().unwrap(); }
";

fn package(test: &str) -> TempDir {
    let package = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let path = package.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("Cargo.toml", "[package]\nname = \"synchronization\"\nedition = \"2024\"\n[workspace]\n");
    write("src/lib.rs", SOURCE);
    write("tests/all.rs", test);
    package
}

fn check() -> [Check; 1] {
    [Check { package: "synchronization".into(), world: World::Std, tests: vec!["all".into()] }]
}

#[test]
fn each_mutant_gets_its_verdict() {
    let package = package(TEST);
    // What hangs is killed after this; what does not is done in a small part of it.
    let mut workshop = Workshop::open(package.path(), 0, Some(Duration::from_secs(10))).unwrap();
    let mut verdict = |name: &str| {
        let mutants = of_source("lib.rs", SOURCE).unwrap();
        let mutant = mutants.iter().find(|mutant| mutant.to_string().contains(name)).expect("is one");
        workshop.judge(mutant, Path::new("src/lib.rs"), SOURCE, &check()).unwrap()
    };
    let swapped = verdict("count: COUNT.store(1, SeqCst); ");
    assert_eq!(swapped, Verdict::Killed("std: all: counts".into()));
    assert_eq!(verdict("count: COUNT.store(1, SeqCst) -> COUNT.store(1, Release)"), Verdict::Survived);
    assert_eq!(verdict("used: wake()"), Verdict::NoMutant);
    let asleep = verdict("open: OPENED.notify_all()");
    assert_eq!(asleep, Verdict::Killed("std: all: no end within 10 s".into()));
    assert_eq!(fs::read_to_string(package.path().join("src/lib.rs")).unwrap(), SOURCE);

    let second = Workshop::open(package.path(), 0, None).err().expect("one at a time");
    assert!(second.to_string().contains("used by another run"), "{second}");
}

#[test]
fn a_check_that_fails_without_any_change_judges_nothing() {
    let package = package("#[test] fn fails() { panic!() }");
    let mut workshop = Workshop::open(package.path(), 0, None).unwrap();
    let mutants = of_source("lib.rs", SOURCE).unwrap();
    let refused = workshop.judge(&mutants[0], Path::new("src/lib.rs"), SOURCE, &check()).unwrap_err();
    assert_eq!(refused.to_string(), "without any change, std: all fails: fails");
}
