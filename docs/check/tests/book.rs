//! Every page of the book and every README says only what is there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use docs_check::{Command, commands, includes, links, recipes};
use lesson::Lesson;

/// The crates that tell lessons.
const CRATES: [(&str, &[Lesson]); 7] = [
    ("threads", threads::lessons::LESSONS),
    ("synchronization", synchronization::lessons::LESSONS),
    ("deadlock", deadlock::lessons::LESSONS),
    ("processes", processes::lessons::LESSONS),
    ("ipc", ipc::lessons::LESSONS),
    ("shared-memory", shared_memory::lessons::LESSONS),
    ("gil", gil::lessons::LESSONS),
];

/// Options that every concept crate knows.
const OPTIONS: [&str; 8] =
    ["--workers", "--seed", "--json", "--quiet", "--untimed", "--explain", "--svg", "--help"];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Markdown files directly in `folder`.
fn markdown(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect()
}

/// The folders of all packages, by the name in their manifest.
fn packages() -> Vec<(String, PathBuf)> {
    let parents = ["shared", "crates", "tools"].map(|parent| fs::read_dir(top().join(parent)).unwrap());
    let inner = parents.into_iter().flatten().map(|entry| entry.unwrap().path());
    inner
        .chain([top().join("benches")])
        .filter_map(|folder| {
            let manifest = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
            let name = manifest.lines().find_map(|line| line.strip_prefix("name = "))?;
            Some((name.trim_matches('"').to_owned(), folder))
        })
        .collect()
}

fn pages() -> Vec<PathBuf> {
    let mut pages = [markdown(&top()), markdown(&top().join("docs/src"))].concat();
    pages.extend(packages().iter().flat_map(|(_, folder)| markdown(folder)));
    assert!(pages.len() > 5, "only {pages:?}");
    pages
}

fn all(check: impl Fn(&Path, &str) -> Vec<String>) {
    let wrong: Vec<String> = pages().iter().flat_map(|page| check(page, &read(page))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_include_finds_its_anchor() {
    all(includes);
}

#[test]
fn every_relative_link_leads_somewhere() {
    all(links);
}

#[test]
fn every_command_names_a_package_and_a_lesson_that_exist() {
    let packages: BTreeSet<String> = packages().into_iter().map(|(name, _)| name).collect();
    let lessons = |package: &str| CRATES.iter().find(|(name, _)| *name == package).map(|(_, told)| told);
    all(|page, text| {
        let mut wrong = Vec::new();
        for command in commands(text) {
            if !packages.contains(&command.package) {
                wrong.push(format!("{}: no package '{}'", page.display(), command.package));
            }
            let Some(lessons) = lessons(&command.package) else { continue };
            // `--worker`, `--cut` and `--join` make the program something else than a teller of lessons.
            if command
                .words
                .first()
                .is_some_and(|word| ["--worker", "--cut", "--join"].contains(&word.as_str()))
            {
                continue;
            }
            for word in &command.words {
                let known = word == "list"
                    || word.parse::<u64>().is_ok()
                    || OPTIONS.contains(&word.as_str())
                    || lessons.iter().any(|lesson| lesson.name == word);
                if !known {
                    wrong.push(format!("{}: no lesson '{word}' in {}", page.display(), command.package));
                }
            }
        }
        wrong
    });
}

#[test]
fn every_lesson_has_a_section_with_its_question_and_its_command() {
    let mut missing = Vec::new();
    for (package, lessons) in CRATES {
        let page = read(&top().join(format!("docs/src/{package}.md")));
        for lesson in lessons {
            let heading = format!("## {}", lesson.question);
            let told: Vec<Command> =
                commands(&page).into_iter().filter(|command| command.package == package).collect();
            if !page.lines().any(|line| line == heading) {
                missing.push(format!("{package}: no section '{heading}'"));
            }
            if !told.iter().any(|command| command.words.iter().any(|word| word == lesson.name)) {
                missing.push(format!("{package}: no command for '{}'", lesson.name));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_recipe_is_in_the_justfile() {
    let justfile = read(&top().join("justfile"));
    all(|page, text| {
        let missing = |recipe: &String| {
            !justfile.lines().any(|line| line.split([' ', ':']).next() == Some(recipe.as_str()))
        };
        let missing = recipes(text).into_iter().filter(missing);
        missing.map(|recipe| format!("{}: no recipe '{recipe}'", page.display())).collect()
    });
}

#[test]
fn every_chapter_is_in_the_summary() {
    let summary = read(&top().join("docs/src/SUMMARY.md"));
    for page in markdown(&top().join("docs/src")) {
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        assert!(
            name == "SUMMARY.md" || summary.contains(&format!("({name})")),
            "{name} is not in the summary"
        );
    }
}

/// The public names of CPython 3.13 (`__all__` of each module).
const PYTHON: [(&str, &str); 12] = [
    (
        "threading",
        "Barrier BoundedSemaphore BrokenBarrierError Condition Event ExceptHookArgs Lock RLock \
         Semaphore TIMEOUT_MAX Thread ThreadError Timer active_count current_thread enumerate \
         excepthook get_ident get_native_id getprofile gettrace local main_thread setprofile \
         setprofile_all_threads settrace settrace_all_threads stack_size",
    ),
    ("queue", "Empty Full LifoQueue PriorityQueue Queue ShutDown SimpleQueue"),
    (
        "concurrent.futures",
        "ALL_COMPLETED BrokenExecutor CancelledError Executor FIRST_COMPLETED FIRST_EXCEPTION Future \
         InvalidStateError ProcessPoolExecutor ThreadPoolExecutor TimeoutError as_completed wait",
    ),
    (
        "multiprocessing",
        "Array AuthenticationError Barrier BoundedSemaphore BufferTooShort Condition Event \
         JoinableQueue Lock Manager Pipe Pool Process ProcessError Queue RLock RawArray RawValue \
         Semaphore SimpleQueue TimeoutError Value active_children allow_connection_pickling cpu_count \
         current_process freeze_support get_all_start_methods get_context get_logger get_start_method \
         log_to_stderr parent_process reducer set_executable set_forkserver_preload set_start_method",
    ),
    ("multiprocessing.connection", "Client Listener Pipe wait"),
    ("multiprocessing.managers", "BaseManager BaseProxy SharedMemoryManager SyncManager Token"),
    ("multiprocessing.shared_memory", "ShareableList SharedMemory"),
    ("multiprocessing.pool", "Pool ThreadPool"),
    ("multiprocessing.sharedctypes", "Array RawArray RawValue Value copy synchronized"),
    // Methods and the like, which no `__all__` lists: those that one misses first.
    (
        "threads' methods",
        "start run join name ident native_id is_alive daemon acquire release locked wait_for notify \
         notify_all set clear is_set action parties n_waiting broken abort reset put get put_nowait \
         get_nowait qsize empty full task_done unfinished_tasks shutdown is_shutdown submit map \
         buffersize initializer result exception done running cancel cancelled add_done_callback",
    ),
    (
        "processes' methods",
        "exitcode terminate kill interrupt sentinel close pid max_tasks_per_child terminate_workers \
         kill_workers apply apply_async map_async starmap imap imap_unordered AsyncResult \
         maxtasksperchild MaybeEncodingError RemoteTraceback ensure_running register_at_fork send recv \
         send_bytes recv_bytes recv_bytes_into poll fileno accept last_accepted authkey \
         deliver_challenge answer_challenge join_thread cancel_join_thread send_handle recv_handle",
    ),
    (
        "shared state and the interpreter",
        "register Namespace RemoteError get_lock get_obj buf size track unlink resource_tracker \
         unregister Finalize setswitchinterval getswitchinterval _is_gil_enabled Py_GIL_DISABLED \
         _current_frames _current_exceptions concurrent interpreters",
    ),
];

#[test]
fn every_name_of_python_is_on_the_page_from_python() {
    let page = read(&top().join("docs/src/python.md"));
    // The first cell of each row of a table: what stands there in backticks, cut into names.
    let first_cells = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let named: BTreeSet<&str> = first_cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .flat_map(|code| code.split(|other: char| !other.is_alphanumeric() && other != '_'))
        .collect();
    let missing: Vec<String> = PYTHON
        .iter()
        .flat_map(|(module, names)| names.split_whitespace().map(move |name| (module, name)))
        .filter(|(_, name)| !named.contains(name))
        .map(|(module, name)| format!("{module}.{name}"))
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
