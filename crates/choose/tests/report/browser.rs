//! A headless Chromium, spoken to through a pipe (Chrome DevTools Protocol): what a reader of the report has before them.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// One that runs, with one page in it; ends when this is dropped.
pub(crate) struct Browser {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    session: Option<String>,
    last: u64,
    /// What went wrong on the page: exceptions, and errors on the console.
    pub(crate) errors: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// Starts one; `None` where there is none.
    pub(crate) fn start() -> Option<Self> {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let places: Vec<_> = env::split_paths(&env::var_os("PATH")?).collect();
        let program = names
            .iter()
            .flat_map(|name| places.iter().map(move |place| place.join(name)))
            .find(|file| file.is_file())?;
        let profile = tempfile::tempdir().unwrap();
        // It reads from descriptor 3 and writes to 4.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null", "sh"])
            .arg(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
            ])
            .args(["--disable-extensions", "--disable-background-networking", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut browser =
            Self { child, to, from, session: None, last: 0, errors: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached =
            browser.call("Target.attachToTarget", json!({"targetId": target["targetId"], "flatten": true}));
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Opens a file and waits until it is there as a whole.
    pub(crate) fn open(&mut self, file: &Path) {
        self.call("Page.navigate", json!({"url": format!("file://{}", file.display())}));
        while self.read()["method"] != "Page.loadEventFired" {}
    }

    /// Makes the page so wide, in CSS pixels, as on a phone or a desk.
    pub(crate) fn resize(&mut self, width: u32) {
        let size = json!({"width": width, "height": 740, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Light or dark, as a reader's system prefers.
    pub(crate) fn prefer(&mut self, theme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": theme}]});
        self.call("Emulation.setEmulatedMedia", features);
    }

    /// The value of a JavaScript expression.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let answer = self.call("Runtime.evaluate", json!({"expression": expression, "returnByValue": true}));
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// On a phone and on a desk, in both themes: nothing is wider than the screen, and all text stands out.
    pub(crate) fn is_readable(&mut self) {
        for theme in ["light", "dark"] {
            self.prefer(theme);
            let contrast = self.value(CONTRAST).as_f64().unwrap();
            assert!(contrast >= 4.5, "{theme}: {contrast}");
        }
        for width in [1200, 360] {
            self.resize(width);
            let beyond =
                self.value("document.documentElement.scrollWidth - document.documentElement.clientWidth");
            assert_eq!(beyond, 0, "at {width} pixels the page scrolls sideways");
            // Charts and their keys do not scroll in themselves either.
            let right = self.value(
                "Math.max(0, ...[...document.querySelectorAll('div.chart svg, ul.key li')].map(one => one.getBoundingClientRect().right))",
            );
            assert!(
                right.as_f64().unwrap() <= f64::from(width),
                "at {width} pixels something ends at {right}"
            );
        }
    }

    /// Presses a key of one character.
    pub(crate) fn press(&mut self, key: &str) {
        for what in ["keyDown", "keyUp"] {
            self.call("Input.dispatchKeyEvent", json!({"type": what, "key": key, "text": key}));
        }
    }

    /// Calls the browser, and notes what it tells meanwhile.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let id = self.last;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.as_mut().unwrap().write_all(&bytes).unwrap();
        loop {
            let said = self.read();
            if said["id"] == id {
                assert!(said["error"].is_null(), "{method}: {said}");
                return said["result"].clone();
            }
        }
    }

    fn read(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.from.read_until(0, &mut bytes).unwrap();
        assert_eq!(bytes.pop(), Some(0), "the browser has ended");
        let said: Value = serde_json::from_slice(&bytes).unwrap();
        let is_error = match said["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => said["params"]["type"] == "error",
            Some("Log.entryAdded") => said["params"]["entry"]["level"] == "error",
            _ => false,
        };
        if is_error {
            self.errors.push(said["params"].to_string());
        }
        said
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The end of its pipe ends it, with its children; it is waited for so that none of them is left.
        drop(self.to.take());
        let mut rest = Vec::new();
        while matches!(self.from.read_until(0, &mut rest), Ok(count) if count > 0) {}
        let _ = self.child.wait();
    }
}

/// The least contrast between text and what is behind it (WCAG 2, relative luminance).
const CONTRAST: &str = "(() => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => { const [r, g, b] = numbers(colour).map(c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = one => { for (; one; one = one.parentElement) { const colour = getComputedStyle(one).backgroundColor;
    if (numbers(colour)[3] !== 0) return colour; } return 'rgb(255, 255, 255)'; };
  const ratio = one => { const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((a, b) => b - a);
    return (a + 0.05) / (b + 0.05); };
  return Math.min(...[...document.querySelectorAll('h1, h2, h3, p, td, th, li, caption, figcaption, button, output, .names div, .scale span')].map(ratio));
})()";
