//! Each task of the page walked through as whoever does it would: by keys alone, and with a scanner where one is at hand. What
//! came of it is read from the journal, its audit and `/api/v1`, not only from the page.

mod of_alarms;
mod of_calls;
mod of_controls;
mod of_days;
mod of_deliveries;
mod of_people;
mod of_results;
mod person;

use std::time::{Duration, Instant};

use serde_json::Value;

use super::laboratory::Laboratory;

/// The rows of the audit that somebody on the page has: step, subject and detail.
pub(super) fn audited(laboratory: &Laboratory, name: &str) -> Vec<[String; 3]> {
    super::audited::audited(laboratory, &format!("{name} on the page"))
}

/// The last of them, which is so.
pub(super) fn last_audited(laboratory: &Laboratory, name: &str) -> [String; 3] {
    audited(laboratory, name).pop().unwrap_or_else(|| panic!("the audit has nothing of {name}"))
}

/// What programs read at a path of `/api/v1`.
async fn api(laboratory: &Laboratory, path: &str) -> Value {
    let answer = laboratory.fetch(&format!("/api/v1/{path}")).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// Waits until programs read this at a JSON pointer of a path of `/api/v1`.
async fn until_api(laboratory: &Laboratory, path: &str, pointer: &str, expected: impl Into<Value>) -> Value {
    let (began, expected) = (Instant::now(), expected.into());
    loop {
        let body = api(laboratory, path).await;
        if body.pointer(pointer) == Some(&expected) {
            return body;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{path}{pointer} never became {expected}: {body}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
