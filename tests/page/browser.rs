//! A headless Chromium, driven over its debugging pipe: JSON messages that each end in NUL, commands on its descriptor
//! 3, answers and events on 4. Just what the page's tests need.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use super::laboratory::PASSWORD;

const DEADLINE: Duration = Duration::from_secs(120);
const FLAGS: &str = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
                     --disable-component-update --disable-sync --disable-quic --hide-scrollbars \
                     --window-size=1360,1100 --remote-debugging-pipe";

/// What a page can't answer while it goes away, or isn't laid out yet.
const PASSING: [(&str, &str); 2] = [
    ("Runtime.evaluate", "Inspected target navigated or closed"),
    ("Page.captureScreenshot", "Cannot take screenshot with 0 width."),
];

/// A browser with one page, and everything its console said.
pub(crate) struct Browser {
    chromium: Child,
    commands: File,
    messages: Receiver<Value>,
    last: u64,
    session: Option<String>,
    /// What the browser complained of or a script said, as it told it.
    pub(crate) console: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Browser {
    pub(crate) fn open(address: &str) -> Browser {
        let folder = tempfile::tempdir().unwrap();
        let (to, from) = (folder.path().join("to"), folder.path().join("from"));
        assert!(Command::new("mkfifo").args([&to, &from]).status().unwrap().success());
        let profile = folder.path().join("profile");
        let script = format!("exec chromium {FLAGS} --user-data-dir=\"$2\" about:blank 3<\"$0\" 4>\"$1\"");
        let chromium = Command::new("sh")
            .arg("-c")
            .arg(script)
            .args([&to, &from, &profile])
            .env("HOME", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let commands = File::options().write(true).open(to).unwrap();
        let answers = BufReader::new(File::open(from).unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            for message in answers.split(0) {
                let Ok(message) = message else { return };
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    return;
                }
            }
        });
        let (last, session, console) = (0, None, Vec::new());
        let mut browser = Browser { chromium, commands, messages, last, session, console, _folder: folder };
        let target = browser.ask("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.ask("Target.attachToTarget", attach)["sessionId"].as_str().map(str::to_owned);
        browser.session = session;
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.ask(domain, json!({}));
        }
        browser.go(address);
        browser
    }

    pub(crate) fn go(&mut self, address: &str) {
        self.ask("Page.navigate", json!({ "url": address }));
        self.until(&format!("document.readyState === 'complete' && location.href === {}", json!(address)));
    }

    /// Waits until an expression is true.
    pub(crate) fn until(&mut self, expression: &str) {
        let began = Instant::now();
        while !self.is(expression) {
            if began.elapsed() > DEADLINE {
                panic!("never: {expression}; the page says {}", self.value("document.body.innerText"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until what is typed goes to this field of this page, for good: before all is loaded, Chromium gives the focus to a
    /// field that asks for it, takes it away while styles are missing, and gives it again.
    pub(crate) fn until_typing_into(&mut self, field: &str, path: &str) {
        self.until(&format!(
            "document.readyState === 'complete' && location.pathname === {} && document.activeElement?.id === {}",
            json!(path),
            json!(field)
        ));
    }

    pub(crate) fn is(&mut self, expression: &str) -> bool {
        self.value(expression) == true
    }

    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true });
        self.ask("Runtime.evaluate", asked)["result"]["value"].clone()
    }

    pub(crate) fn text(&mut self, expression: &str) -> String {
        self.value(expression).as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn type_text(&mut self, text: &str) {
        self.ask("Input.insertText", json!({ "text": text }));
    }

    /// Runs a script for what it does.
    pub(crate) fn run(&mut self, script: &str) {
        self.value(script);
    }

    /// Presses and lets go of a key: `Enter`, `Tab`, `ArrowDown`, or a character.
    pub(crate) fn key(&mut self, key: &str) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        self.key_at(key, now);
    }

    /// The same, as pressed so long after 1970.
    fn key_at(&mut self, key: &str, at: Duration) {
        let release = self.press(key, at);
        self.ask("Input.dispatchKeyEvent", release);
    }

    /// Presses a key; what lets go of it.
    fn press(&mut self, key: &str, at: Duration) -> Value {
        let (number, text) = match key {
            "Enter" => (13, "\r"),
            "Tab" => (9, ""),
            "ArrowDown" => (40, ""),
            // A number of its own, which a dot's or a dash's letter isn't: those are Delete's and Insert's.
            other => match other.as_bytes()[0].to_ascii_uppercase() {
                named @ (b' ' | b'0'..=b'9' | b'A'..=b'Z') => (u32::from(named), other),
                _ => (0, other),
            },
        };
        let mut pressed = json!({ "type": "keyDown", "key": key, "windowsVirtualKeyCode": number, "nativeVirtualKeyCode": number, "timestamp": at.as_secs_f64() });
        if !text.is_empty() {
            pressed["text"] = json!(text);
        }
        self.tell("Input.dispatchKeyEvent", pressed);
        json!({ "type": "keyUp", "key": key, "windowsVirtualKeyCode": number, "timestamp": at.as_secs_f64() })
    }

    /// Types as a scanner does: key by key, and Enter.
    pub(crate) fn scan(&mut self, text: &str) {
        self.type_keys(text, Duration::from_millis(5));
    }

    /// Types key by key, and Enter, with so long from one to the next, however long this machine takes for it.
    pub(crate) fn type_keys(&mut self, text: &str, pace: Duration) {
        let at = self.type_at(text, pace);
        self.key_at("Enter", at);
    }

    /// Types by hand, key by key, and no Enter.
    pub(crate) fn write(&mut self, text: &str) {
        self.type_at(text, Duration::from_millis(120));
    }

    /// The same as fast as a scanner, which sends no Enter.
    pub(crate) fn type_burst(&mut self, text: &str) {
        self.type_at(text, Duration::from_millis(5));
    }

    /// Anna signs in by the form that is shown, as [`super::laboratory::Laboratory::signed_in`] has made her known.
    pub(crate) fn signs_in_as_anna(&mut self) {
        self.until_typing_into("name", "/sign-in");
        self.type_text("anna");
        self.key("Tab");
        self.type_text(&PASSWORD.replace('+', " "));
        self.key("Enter");
    }

    /// Where the middle is of what a selector finds first, for [`Browser::click_at`].
    pub(crate) fn middle_of(&mut self, selector: &str) -> (f64, f64) {
        let script = format!(
            "(() => {{ const it = document.querySelector(\"{selector}\").getBoundingClientRect(); return [it.x + it.width / 2, it.y + it.height / 2] }})()"
        );
        let found = self.value(&script);
        (found[0].as_f64().unwrap(), found[1].as_f64().unwrap())
    }

    /// Clicks at a place of the window, as a mouse does.
    pub(crate) fn click_at(&mut self, (x, y): (f64, f64)) {
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.ask("Input.dispatchMouseEvent", event);
        }
    }

    /// Types as a scanner does that stops for so long on its way.
    pub(crate) fn scan_in_two(&mut self, [head, tail]: [&str; 2], pause: Duration) {
        let pace = Duration::from_millis(5);
        let at = self.type_at(head, pace);
        let at = self.type_from(at + pause, tail, pace);
        self.key_at("Enter", at);
    }

    /// When the next key comes.
    fn type_at(&mut self, text: &str, pace: Duration) -> Duration {
        self.type_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap(), text, pace)
    }

    fn type_from(&mut self, mut at: Duration, text: &str, pace: Duration) -> Duration {
        let mut release = None;
        for character in text.chars() {
            // Between two keys of a scan this machine must not take its time.
            if let Some(release) = release.replace(self.press(&character.to_string(), at)) {
                self.tell("Input.dispatchKeyEvent", release);
            }
            at += pace;
        }
        self.ask("Input.dispatchKeyEvent", release.unwrap());
        at
    }

    /// Shows the page in light or dark colours.
    pub(crate) fn colours(&mut self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.ask("Emulation.setEmulatedMedia", json!({ "media": "", "features": [feature] }));
    }

    /// Shows the page on a screen of another size, in CSS pixels.
    pub(crate) fn size(&mut self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", size);
    }

    /// Runs a script that promises something, and waits for it.
    pub(crate) fn promised(&mut self, script: &str) -> Value {
        let asked = json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        self.ask("Runtime.evaluate", asked)["result"]["value"].clone()
    }

    /// Shows the page as it is printed.
    pub(crate) fn on_paper(&mut self) {
        self.ask("Emulation.setEmulatedMedia", json!({ "media": "print" }));
    }

    /// From the next page on this runs before the page's own script.
    pub(crate) fn before_each_page(&mut self, script: &str) {
        self.ask("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script }));
    }

    /// From the next page on no script of a page runs.
    pub(crate) fn without_scripts(&mut self) {
        self.ask("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    }

    /// Leaves a picture of the whole page in `target/page/`.
    pub(crate) fn picture(&mut self, name: &str) {
        let picture = self.ask("Page.captureScreenshot", json!({ "captureBeyondViewport": true }));
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/page");
        fs::create_dir_all(&folder).unwrap();
        let bytes = decoded(picture["data"].as_str().unwrap());
        fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }

    /// Sends a command and waits for its answer: of the page that is there once it can give one.
    fn ask(&mut self, method: &str, parameters: Value) -> Value {
        loop {
            let answer = self.exchange(method, parameters.clone());
            if PASSING.iter().any(|(asked, why)| *asked == method && answer["error"]["message"] == *why) {
                std::thread::sleep(Duration::from_millis(50));
                continue;
            }
            assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
            return answer["result"].clone();
        }
    }

    /// Sends a command, and waits for nothing.
    fn tell(&mut self, method: &str, parameters: Value) {
        self.last += 1;
        let mut command = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let mut bytes = command.to_string().into_bytes();
        bytes.push(0);
        self.commands.write_all(&bytes).unwrap();
    }

    /// Sends a command; the message that answers it. Keeps what the console says meanwhile.
    fn exchange(&mut self, method: &str, parameters: Value) -> Value {
        self.tell(method, parameters);
        loop {
            let message =
                self.messages.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("no answer: {method}"));
            if message["id"] == self.last {
                return message;
            }
            let event = message["method"].as_str().unwrap_or_default();
            if matches!(event, "Log.entryAdded" | "Runtime.consoleAPICalled" | "Runtime.exceptionThrown")
                || event == "Page.javascriptDialogOpening"
            {
                self.console.push(message["params"].to_string());
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.commands.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(3) {
            if let Ok(Some(_)) = self.chromium.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.chromium.kill();
        let _ = self.chromium.wait();
    }
}

/// Base64, as pictures come.
fn decoded(text: &str) -> Vec<u8> {
    let sextet = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'=').map(sextet).collect();
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for group in digits.chunks(4) {
        let joined =
            group.iter().fold(0u32, |sum, digit| (sum << 6) | u32::from(*digit)) << (6 * (4 - group.len()));
        bytes.extend_from_slice(&joined.to_be_bytes()[1..group.len()]);
    }
    bytes
}
