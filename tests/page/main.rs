//! The status page: over HTTP, and, where Chromium is installed, in a browser.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise, and looks at the clock to give up"
)]

mod accessible;
mod alarms;
mod anew;
mod api;
mod audited;
mod browser;
mod connections;
mod controls;
mod downtime;
mod forms;
mod head;
mod in_a_browser;
mod laboratory;
mod languages;
mod misread;
mod of_a_call;
mod of_a_day;
mod of_a_specimen;
mod of_an_analyzer;
mod over_http;
mod over_tls;
mod programs;
mod resend;
mod scanned;
mod signed_in;
mod walked;
mod walks;
