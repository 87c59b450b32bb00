//! The command line of `choose run`.

use std::{
    ffi::OsString,
    fs,
    io::{self, Read},
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use workload::Workers;

/// What `choose run` is told.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// The command: `convert {} out/{/}`. {} is the input, {.} the input without its extension, {/} its last part,
    /// {/.} that part without its extension; without any of them the input comes last. Split into words as a shell
    /// would, but no shell runs: for one, write `sh -c 'wc < "$1"' sh {}`
    #[arg(long, value_name = "COMMAND")]
    pub each: String,
    /// The inputs, one run of the command for each
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<OsString>,
    /// More inputs, one a line (`-`: from standard input)
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// So many at once, without measuring what is best
    #[arg(long, value_name = "N")]
    pub workers: Option<Workers>,
    /// End a run that takes longer than so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub limit: Option<Duration>,
    /// What all runs together may need, as `512M` or `8G` (otherwise: four fifths of what is free now)
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub memory: Option<u64>,
    /// Measure a sample and say how many at once; leave the other inputs alone
    #[arg(long, conflicts_with = "workers")]
    pub only_advise: bool,
    /// Check the prediction on the sample's own inputs: the command is run twice for each of them
    #[arg(long, conflicts_with = "workers")]
    pub repeat: bool,
    /// Go on when all of the sample has failed
    #[arg(long)]
    pub keep_going: bool,
    /// One JSON object a line, and nothing else on stdout
    #[arg(long)]
    pub json: bool,
}

impl RunArgs {
    /// All inputs, those of `--from` last.
    ///
    /// # Errors
    /// In a sentence: the list cannot be read, or there are none.
    pub(super) fn all_inputs(&self) -> Result<Vec<OsString>, String> {
        let mut inputs = self.inputs.clone();
        if let Some(list) = &self.from {
            let bytes = read(list).map_err(|why| format!("--from {}: {why}", list.display()))?;
            let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            inputs.extend(lines.map(|line| OsString::from_vec(line.to_vec())));
        }
        if inputs.is_empty() {
            return Err("there are no inputs: nothing to run the command for".to_owned());
        }
        Ok(inputs)
    }
}

fn read(list: &Path) -> io::Result<Vec<u8>> {
    if list != "-" {
        return fs::read(list);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(number) {
        Ok(limit) if limit >= Duration::from_millis(1) => Ok(limit),
        _ => Err("between 0.001 and some years are possible".to_owned()),
    }
}

fn bytes(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.char_indices().next_back() {
        Some((place, 'K' | 'k')) => (&text[..place], 10),
        Some((place, 'M' | 'm')) => (&text[..place], 20),
        Some((place, 'G' | 'g')) => (&text[..place], 30),
        _ => (text, 0),
    };
    let number: u64 = digits.parse().map_err(|_| "a number, perhaps with K, M or G behind it".to_owned())?;
    number.checked_mul(1 << shift).filter(|bytes| *bytes > 0).ok_or("too much, or nothing".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times() {
        assert_eq!([bytes("7"), bytes("2k"), bytes("4G")], [Ok(7), Ok(2048), Ok(4 << 30)]);
        assert!(["", "G", "-1", "0", "99999999999G", "1.5G"].iter().all(|text| bytes(text).is_err()));
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        assert!(["", "x", "0", "-1", "inf", "NaN"].iter().all(|text| seconds(text).is_err()));
    }
}
