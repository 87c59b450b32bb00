//! The command with a place for the input.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::Path,
    process::Command,
};

/// A command line with places for an input.
#[derive(Clone, Debug)]
pub(super) struct Template {
    words: Vec<Vec<Part>>,
    /// The word that a shell will read as its script.
    script: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Input(Form),
}

/// What of an input is put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Whole,
    WithoutExtension,
    Name,
    NameWithoutExtension,
}

const FORMS: [(&str, Form); 4] = [
    ("{}", Form::Whole),
    ("{.}", Form::WithoutExtension),
    ("{/}", Form::Name),
    ("{/.}", Form::NameWithoutExtension),
];

const SHELLS: [&str; 6] = ["sh", "bash", "dash", "zsh", "ksh", "ash"];

impl Template {
    /// Splits `text` into words as a shell would: quotes and backslashes, but no variables and no `*`.
    ///
    /// # Errors
    /// In a sentence: a quote that is not closed, no word at all, a program that is not there.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let split = shell_words::split(text).map_err(|why| format!("--each: {why}"))?;
        let Some(program) = split.first() else { return Err("--each: there is no command".to_owned()) };
        let is_shell =
            Path::new(program).file_name().is_some_and(|name| SHELLS.iter().any(|shell| name == *shell));
        let option = split.iter().position(|word| word.starts_with('-') && word.ends_with('c'));
        let script = option.filter(|_| is_shell).map(|place| place + 1);
        let mut words: Vec<Vec<Part>> = split.iter().map(|word| parts(word)).collect();
        if words[0].iter().all(|part| matches!(part, Part::Text(_))) {
            find(program)?;
        }
        if !words.iter().flatten().any(|part| matches!(part, Part::Input(_))) {
            words.push(vec![Part::Input(Form::Whole)]);
        }
        Ok(Self { words, script })
    }

    /// Refuses an input that a shell would not read as one word: it could even be a command of its own.
    ///
    /// # Errors
    /// In a sentence, with what to write instead.
    pub(super) fn check(&self, input: &OsStr) -> Result<(), String> {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_./+,:@%=-".contains(byte);
        let in_script = (self.script.and_then(|place| self.words.get(place)))
            .is_some_and(|word| word.iter().any(|part| matches!(part, Part::Input(_))));
        if !in_script || input.as_bytes().iter().all(plain) {
            return Ok(());
        }
        let input = input.display();
        Err(format!(
            "{input}: a shell would not read this as one word; write `sh -c '... \"$1\" ...' sh {{}}`"
        ))
    }

    /// The command for one input.
    pub(super) fn command(&self, input: &OsStr) -> Command {
        let mut words = self.words.iter().map(|word| {
            let mut filled = OsString::new();
            for part in word {
                match part {
                    Part::Text(text) => filled.push(text),
                    Part::Input(form) => filled.push(form.of(input)),
                }
            }
            filled
        });
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        command
    }
}

impl Form {
    fn of(self, input: &OsStr) -> OsString {
        let path = Path::new(input);
        // What has no last part (`/`, `..`) stays as it is.
        match self {
            Form::Whole => input.to_owned(),
            Form::WithoutExtension => path.with_extension("").into_os_string(),
            Form::Name => path.file_name().unwrap_or(input).to_owned(),
            Form::NameWithoutExtension => path.file_stem().unwrap_or(input).to_owned(),
        }
    }
}

fn parts(word: &str) -> Vec<Part> {
    let (mut parts, mut rest) = (Vec::new(), word);
    // The first place from the left, again and again.
    while let Some((start, name, form)) = (FORMS.iter())
        .filter_map(|(name, form)| rest.find(name).map(|start| (start, *name, *form)))
        .min_by_key(|(start, ..)| *start)
    {
        parts.push(Part::Text(rest[..start].to_owned()));
        parts.push(Part::Input(form));
        rest = &rest[start + name.len()..];
    }
    parts.push(Part::Text(rest.to_owned()));
    parts
}

/// Looks for a program as execvp(3) does, so that its absence is told once and not for each input.
fn find(program: &str) -> Result<(), String> {
    let is_program = |path: &Path| {
        fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return match is_program(Path::new(program)) {
            true => Ok(()),
            false => Err(format!("--each: {program} is not there, or is no program")),
        };
    }
    let path = env::var_os("PATH").unwrap_or_default();
    match env::split_paths(&path).any(|directory| is_program(&directory.join(program))) {
        true => Ok(()),
        false => Err(format!("--each: there is no program `{program}` in PATH")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(template: &str, input: &str) -> Vec<String> {
        let command = Template::parse(template).unwrap().command(OsStr::new(input));
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| word.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_form_of_an_input() {
        assert_eq!(
            words("true {} x{.}y {/}{/.}", "a/b.tar.gz"),
            ["true", "a/b.tar.gz", "xa/b.tary", "b.tar.gzb.tar"]
        );
        assert_eq!(words("true {.} {/} {/.}", ".."), ["true", "..", "..", ".."]);
        assert_eq!(words("true -v", "two words"), ["true", "-v", "two words"]);
        assert_eq!(words("true 'a b' \"{}\" \\{x\\}", "$HOME *"), ["true", "a b", "$HOME *", "{x}"]);
    }

    #[test]
    fn what_cannot_be_run_is_told_before_anything_is() {
        for (bad, part) in [
            ("", "no command"),
            ("true 'x", "quote"),
            ("no-such-program {}", "PATH"),
            ("/etc/passwd {}", "/etc/passwd"),
        ] {
            assert!(Template::parse(bad).unwrap_err().contains(part), "{bad}");
        }
    }

    #[test]
    fn an_input_never_becomes_a_command() {
        let inside = Template::parse("sh -c 'echo {}'").unwrap();
        assert!(inside.check(OsStr::new("a/b-1.txt")).is_ok());
        for evil in ["; rm -rf x", "$(id)", "two words", "`id`", "a\nb", "é"] {
            assert!(inside.check(OsStr::new(evil)).unwrap_err().contains("\"$1\""), "{evil}");
        }
        assert!(
            Template::parse("sh -c 'echo \"$1\"' sh {}").unwrap().check(OsStr::new("; rm -rf x")).is_ok()
        );
    }
}
