//! What is said of a panic: where in the code it was, and nothing of what it says itself, which may quote what was
//! being read or shown.

use std::panic::{PanicHookInfo, set_hook};

/// From here on every panic is one line of the log.
pub(super) fn log_only_where() {
    set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(at, "a step of labwire broke off; please have it looked at");
    }));
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use crate::config::settings::{LogFormat, LogSettings};
    use crate::host::logging;

    /// Set in a process that is to panic: a hook is a whole process's.
    const IN_ITS_OWN: &str = "LABWIRE_TEST_PANICS";

    #[test]
    fn a_panic_says_where_it_was_and_nothing_of_what_was_being_read() {
        if std::env::var_os(IN_ITS_OWN).is_some() {
            let settings = LogSettings { format: LogFormat::Text, filter: "info".to_owned() };
            logging::start(&settings).unwrap();
            let _ = std::thread::spawn(|| panic!("cannot read CanaryName")).join();
            return;
        }
        let test = std::thread::current().name().unwrap().to_owned();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &test, "--nocapture"])
            .env(IN_ITS_OWN, "1")
            .output()
            .unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("src/host/panics.rs"), "{said}");
        assert!(!said.contains("Canary"), "{said}");
    }
}
