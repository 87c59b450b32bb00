//! How do we stand beside C, Go, Python, `primal` and tokio on the same work? In turn (A B A B ...), so that a
//! machine whose speed drifts does so for both; what is printed is the median of the ratios within a round.
//!
//! A peer whose tools are not installed is left out with a word.

use std::{error::Error, fs, hint::black_box, path::Path, time::Instant};

use benches::{mechanisms, peers::Peer, tokio_client};
use lesson::measure::{self, Samples};
use workload::{
    Size, Timeline, Workers, Workload, fetch::Fetch, mandelbrot::Mandelbrot, primes::sieve, words::Words,
};

type Outcome = Result<(), Box<dyn Error>>;

/// What is compared, and how, in so many rounds.
type Question = (&'static str, fn(usize) -> Outcome);

fn main() {
    benches::enter();
    let rounds = if std::env::args().any(|arg| arg == "--quick") { 3 } else { 7 };
    println!("{} cores; a pure kernel gains {:.2}x on 2 threads", measure::cores(), measure::gain(2));
    let questions: [Question; 5] = [
        ("mandelbrot against C with OpenMP", mandelbrot),
        ("words against Go", words_go),
        ("words against Python", words_python),
        ("the sieve against primal", sieve),
        ("fetch against tokio", fetch),
    ];
    for (question, ask) in questions {
        if let Err(error) = ask(rounds) {
            println!("{question}: left out: {error}");
        }
    }
}

/// Seconds and result of one run.
fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let done = work();
    (start.elapsed().as_secs_f64(), done)
}

/// Prints how many times as long `theirs` took as `ours`.
fn report(question: &str, ours: &Samples, theirs: &Samples) {
    let ratios: Samples =
        theirs.in_order().iter().zip(ours.in_order()).map(|(theirs, ours)| theirs / ours).collect();
    println!(
        "{question}: {:.2}x faster (p10 {:.2}, p90 {:.2}; medians {:.4} s against {:.4} s, {} rounds)",
        ratios.median(),
        ratios.quantile(0.1),
        ratios.quantile(0.9),
        ours.median(),
        theirs.median(),
        ours.len()
    );
}

/// One run of the mechanism called `name`.
fn run<W: Workload>(work: &W, name: &str, workers: usize) -> Result<(f64, W::Part), Box<dyn Error>> {
    let mechanism = mechanisms::<W>().into_iter().find(|mechanism| mechanism.name == name);
    let mechanism = mechanism.ok_or_else(|| format!("no mechanism {name}"))?;
    let workers = Workers::new(workers)?;
    let (seconds, answer) = timed(|| (mechanism.run)(work, workers, &Timeline::off()));
    Ok((seconds, answer?))
}

fn mandelbrot(rounds: usize) -> Outcome {
    let peer = Peer::c("mandelbrot")?;
    let work = Mandelbrot::sized(Size::Measure);
    let [width, height, iterations] =
        [work.width, work.height, u32::from(work.iterations)].map(|n| n.to_string());
    let (mut ours, mut theirs) = (Samples::default(), Samples::default());
    for _ in 0..rounds {
        let (seconds, answer) = run(&work, "dynamic", 2)?;
        let done = peer.run(&[&width, &height, &iterations, "2"])?;
        let checksum = work.image(&answer)?.checksum().to_string();
        if done.answer != [checksum.clone()] {
            return Err(format!("C says {:?}, we say {checksum}", done.answer).into());
        }
        ours.push(seconds);
        theirs.push(done.seconds);
    }
    report("mandelbrot, dynamic, 2 threads, against C with OpenMP dynamic, 2 threads", &ours, &theirs);
    Ok(())
}

fn words_go(rounds: usize) -> Outcome {
    words(rounds, &Peer::go("words")?, "Go, a map a goroutine, 2 threads")
}

fn words_python(rounds: usize) -> Outcome {
    words(rounds.min(3), &Peer::python("words")?, "Python, Counter in a pool of 2 processes")
}

fn words(rounds: usize, peer: &Peer, about: &str) -> Outcome {
    let work = Words::in_sources();
    let list = std::env::temp_dir().join(format!("words-peer-{}.txt", std::process::id()));
    let mut files = Vec::new();
    for root in &work.roots {
        collect(root.path(), &mut files)?;
    }
    fs::write(&list, files.join("\n") + "\n")?;
    let result = words_of(rounds, peer, about, &work, &list.to_string_lossy());
    fs::remove_file(&list)?;
    result
}

fn words_of(rounds: usize, peer: &Peer, about: &str, work: &Words, list: &str) -> Outcome {
    let (mut ours, mut theirs) = (Samples::default(), Samples::default());
    for _ in 0..rounds {
        let (seconds, answer) = run(work, "dynamic", 2)?;
        let done = peer.run(&["2", list])?;
        let answer = work.answer(&answer);
        let counts = [&answer["total"], &answer["distinct"]].map(ToString::to_string);
        if done.answer != counts {
            return Err(format!("{about} says {:?}, we say {counts:?}", done.answer).into());
        }
        ours.push(seconds);
        theirs.push(done.seconds);
    }
    report(&format!("words, dynamic, 2 threads, against {about}"), &ours, &theirs);
    Ok(())
}

/// Every regular file below `folder`; symbolic links are not followed.
fn collect(folder: &Path, files: &mut Vec<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path().to_string_lossy().into_owned());
        }
    }
    Ok(())
}

fn sieve(rounds: usize) -> Outcome {
    const BELOW: u64 = 1_000_000_000;
    let (mut ours, mut theirs) = (Samples::default(), Samples::default());
    for _ in 0..rounds {
        let (seconds, count) = timed(|| sieve::count(black_box(BELOW)));
        let (peer_seconds, peer_count) = timed(|| {
            let sieve = primal::Sieve::new(black_box(BELOW as usize));
            sieve.prime_pi(BELOW as usize)
        });
        if count? != peer_count as u64 {
            return Err(format!("primal counts {peer_count}").into());
        }
        ours.push(seconds);
        theirs.push(peer_seconds);
    }
    report("the sieve to 10^9, 1 thread, against primal", &ours, &theirs);
    Ok(())
}

fn fetch(rounds: usize) -> Outcome {
    let (work, server) = Fetch::local_sized(Size::Measure)?;
    let host = server.address().to_string();
    let (mut ours, mut theirs) = (Samples::default(), Samples::default());
    for _ in 0..rounds {
        let (seconds, answer) = run(&work, "dynamic", 200)?;
        let (peer_seconds, bytes) = timed(|| tokio_client::fetch(&host, work.documents));
        let (ours_bytes, theirs_bytes) = (work.answer(&answer)["bytes"].as_u64(), bytes?);
        if ours_bytes != Some(theirs_bytes) {
            return Err(format!("tokio fetched {theirs_bytes} bytes, we {ours_bytes:?}").into());
        }
        ours.push(seconds);
        theirs.push(peer_seconds);
    }
    report("fetch, dynamic, 200 threads, against 200 tokio tasks", &ours, &theirs);
    let (mut ours, waves) = (Samples::default(), 200_f64 / 64.0);
    for _ in 0..rounds {
        ours.push(run(&work, "dynamic", 64)?.0);
    }
    let ideal = waves.ceil() * 0.020;
    println!("fetch, dynamic, 64 threads: {:.2}x of the ideal {ideal:.3} s", ours.median() / ideal);
    Ok(())
}
