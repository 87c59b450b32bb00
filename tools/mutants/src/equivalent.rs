//! The list of mutants that are known to change nothing, each with the reason.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

/// The reasons, by the mutant's name.
///
/// # Errors
/// When a line is not understood, or a mutant has no reason or is named twice.
pub fn parse(text: &str) -> Result<BTreeMap<String, String>> {
    let mut reasons = BTreeMap::<String, String>::new();
    let mut last = None;
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if line.starts_with([' ', '\t']) {
            let name = last.as_ref().with_context(|| format!("a reason before any mutant: {line:?}"))?;
            let reason = reasons.get_mut(name).expect("was put there");
            reason.push_str(if reason.is_empty() { "" } else { " " });
            reason.push_str(line.trim());
        } else {
            let name = line.trim().to_owned();
            if reasons.insert(name.clone(), String::new()).is_some() {
                bail!("named twice: {name}");
            }
            last = Some(name);
        }
    }
    if let Some((name, _)) = reasons.iter().find(|(_, reason)| reason.is_empty()) {
        bail!("without a reason: {name}");
    }
    Ok(reasons)
}
