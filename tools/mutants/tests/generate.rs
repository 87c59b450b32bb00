//! The mutants of a text are exactly these, and neither comments, strings nor tests hold any.

use mutants::{Mutant, of_source};

/// The change of each mutant, without the file's name.
fn changes(source: &str) -> Vec<String> {
    let name = |mutant: &Mutant| mutant.to_string().strip_prefix("it.rs in ").unwrap().to_owned();
    of_source("it.rs", source).unwrap().iter().map(name).collect()
}

#[test]
fn each_ordering_goes_one_step_down_as_far_as_its_operation_allows() {
    let source = "
        fn f() -> impl Sized {
            let loads = (a.load(SeqCst), a.load(Ordering::Acquire), a.load(Relaxed));
            let stores = (a.store(1, SeqCst), a.store(1, Release));
            let both = (a.swap(1, SeqCst), a.fetch_add(1, AcqRel), a.fetch_not(Acquire));
            let exchange = a.compare_exchange(0, 1, Release, Acquire);
            let update = a.fetch_update(Acquire, Relaxed, change);
            (fence(SeqCst), fence(AcqRel), atomic::fence(Release))
        }";
    assert_eq!(
        changes(source),
        [
            "f: a.load(SeqCst) -> a.load(Acquire)",
            "f: a.load(Ordering::Acquire) -> a.load(Ordering::Relaxed)",
            "f: a.store(1, SeqCst) -> a.store(1, Release)",
            "f: a.store(1, Release) -> a.store(1, Relaxed)",
            "f: a.swap(1, SeqCst) -> a.swap(1, AcqRel)",
            "f: a.fetch_add(1, AcqRel) -> a.fetch_add(1, Acquire)",
            "f: a.fetch_add(1, AcqRel) -> a.fetch_add(1, Release)",
            "f: a.fetch_not(Acquire) -> a.fetch_not(Relaxed)",
            "f: a.compare_exchange(0, 1, Release, Acquire) -> a.compare_exchange(0, 1, Relaxed, Acquire)",
            "f: a.compare_exchange(0, 1, Release, Acquire) -> a.compare_exchange(0, 1, Release, Relaxed)",
            "f: a.fetch_update(Acquire, Relaxed, change) -> a.fetch_update(Relaxed, Relaxed, change)",
            "f: fence(SeqCst) -> fence(AcqRel)",
            "f: fence(AcqRel) -> fence(Acquire)",
            "f: fence(AcqRel) -> fence(Release)",
            "f: atomic::fence(Release) -> ()",
        ]
    );
}

#[test]
fn macros_are_looked_into() {
    let source =
        "fn f() { assert_eq!(a.load(Acquire), 1, \"{}\", 7); matches!(a, Acquire | Release); g!(a => b); }";
    assert_eq!(changes(source), ["f: a.load(Acquire) -> a.load(Relaxed)"]);
}

#[test]
fn each_wake_up_is_dropped_wherever_it_stands() {
    let source = "
        impl Gate {
            fn open(&self) {
                self.opened.notify_all();
                if self.someone_waits { call::wake(&self.state, 1) }
                sleepers.for_each(|thread| thread.unpark());
                let _wake = self.waits.then(|| WakeOne(&self.opened));
            }
        }
        impl Drop for Gate {
            fn drop(&mut self) { signal(&self.door); signal(&self.door); }
        }";
    assert_eq!(
        changes(source),
        [
            "Gate::open: self.opened.notify_all() -> ()",
            "Gate::open: call::wake(&self.state, 1) -> ()",
            "Gate::open: thread.unpark() -> ()",
            "Gate::open: WakeOne(&self.opened) -> ::std::mem::forget(WakeOne(&self.opened))",
            "Gate::drop: signal(&self.door) -> ()",
            "Gate::drop: signal(&self.door) -> () #2",
        ]
    );
}

#[test]
fn writes_change_places_when_another_thread_could_tell() {
    let source = "
        fn publish(&self) {
            self.slot.with_mut(|slot| *slot = 7);
            self.full.store(true, Relaxed); // the comment stays where it is
            self.count += 1;
            self.last = 7;
            tries += 1;
            unsafe { ptr::write(place, 7) }
            self.next.store(place, Relaxed)
        }";
    assert_eq!(
        changes(source),
        [
            "publish: self.slot.with_mut(|slot| *slot = 7); self.full.store(true, Relaxed) -> \
             self.full.store(true, Relaxed); self.slot.with_mut(|slot| *slot = 7)",
            "publish: self.full.store(true, Relaxed); self.count += 1 -> \
             self.count += 1; self.full.store(true, Relaxed)",
            "publish: unsafe { ptr::write(place, 7) } self.next.store(place, Relaxed) -> \
             self.next.store(place, Relaxed); unsafe { ptr::write(place, 7) }",
        ]
    );
}

#[test]
fn comments_strings_and_tests_hold_none() {
    let source = r#"
        //! `a.load(SeqCst)`
        /// ```
        /// a.store(1, Release); c.notify_all();
        /// ```
        fn f() {
            // a.load(Acquire); c.notify_one();
            /* fence(SeqCst) */
            let text = "a.load(Acquire); c.notify_one(); // fence(SeqCst)";
            let order = Acquire;
            matches!(order, Acquire | Release);
        }
        #[cfg(test)]
        mod tests { fn f() { a.load(Acquire); } }
        #[cfg(all(test, target_os = "linux"))]
        fn g() { c.notify_one(); }
        #[test]
        fn h() { c.notify_one(); }
        impl Gate { #[cfg(test)] fn f() { a.load(Acquire); } }
        #[cfg(test)]
        impl Gate { fn f() { a.load(Acquire); } }
    "#;
    assert_eq!(changes(source), [""; 0]);
    assert_eq!(
        changes("#[cfg(not(test))] fn f() { a.load(Acquire); }"),
        ["f: a.load(Acquire) -> a.load(Relaxed)"]
    );
}

#[test]
fn only_the_change_is_changed() {
    let source = "fn f() {\n    // why é\n    a\n        // Acquire\n        .load(Acquire);\n}\n";
    let [mutant] = &of_source("it.rs", source).unwrap()[..] else { panic!("one mutant") };
    assert_eq!(mutant.line, 5);
    assert_eq!(mutant.before, "a.load(Acquire)");
    let expected = source.replace("(Acquire)", "(::std::sync::atomic::Ordering::Relaxed)");
    assert_eq!(mutant.apply(source), expected);
}

#[test]
fn what_is_no_rust_is_refused() {
    assert!(of_source("it.rs", "fn f( {").is_err());
}
