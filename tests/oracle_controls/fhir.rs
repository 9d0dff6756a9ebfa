//! Bundles for a FHIR server, each sent twice, as after a crash that lost the first outcome.

use labsim::generate::{ExpectedResult, Generator, Style};
use serde_json::{Number, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fhir_by_hand::FhirByHand;
use crate::fhir_held::FhirHeld;
use crate::oracle;

/// What may be wrong with a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sending {
    Rightly,
    /// Each attempt under an identifier of its own.
    FreshIdentifiers,
    /// The last digit of a number is left out.
    Rounded,
}

fn entry(kind: &str, identifier: &str, mut resource: Value) -> Value {
    resource["resourceType"] = json!(kind);
    resource["identifier"] = json!([{ "system": "urn:example", "value": identifier }]);
    json!({
        "fullUrl": format!("urn:uuid:{kind}"),
        "resource": resource,
        "request": { "method": "POST", "url": kind, "ifNoneExist": format!("identifier=urn:example|{identifier}") }
    })
}

fn bundle(number: usize, attempt: u32, result: &ExpectedResult, sending: Sending) -> Value {
    let identifier = match sending {
        Sending::FreshIdentifiers => format!("{number}-{attempt}"),
        Sending::Rightly | Sending::Rounded => number.to_string(),
    };
    let digits = result.value.trim();
    let digits = if sending == Sending::Rounded { digits.split_at(digits.len() - 1).0 } else { digits };
    let number: Number = digits.trim_end_matches('.').parse().unwrap();
    let observation = json!({
        "status": "final",
        "code": { "coding": [{ "system": "urn:example", "code": result.code }] },
        "specimen": { "reference": "urn:uuid:Specimen" },
        "valueQuantity": { "value": number },
        "note": [{ "text": format!("replicate {}", result.replicate) }],
    });
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        entry("Specimen", &result.specimen, json!({})),
        entry("Observation", &identifier, observation),
    ]})
}

async fn post(server: &FhirByHand, bundle: &Value) {
    let mut line = TcpStream::connect(server.address()).await.unwrap();
    let body = bundle.to_string();
    let head = format!("POST /fhir HTTP/1.1\r\nHost: lims\r\nContent-Length: {}\r\n\r\n", body.len());
    line.write_all((head + &body).as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    line.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "the transaction is taken");
}

/// What the oracle says of some results.
async fn judged(sending: Sending) -> Vec<String> {
    let server = FhirByHand::start().await;
    let mut generator = Generator::new(Style::ErbaXl, 11).with_odd(0.0);
    let acknowledged: Vec<ExpectedResult> = (0..5).flat_map(|_| generator.message().results).collect();
    for (number, result) in acknowledged.iter().enumerate() {
        for attempt in 1..=2 {
            post(&server, &bundle(number, attempt, result, sending)).await;
        }
    }
    oracle::faults(&acknowledged, &FhirHeld { observations: server.observations() })
}

#[tokio::test(flavor = "multi_thread")]
async fn fresh_identifiers_and_altered_numbers_are_found_out_and_a_repeated_bundle_is_not() {
    assert_eq!(judged(Sending::Rightly).await, Vec::<String>::new());
    let faults = judged(Sending::FreshIdentifiers).await;
    assert!(faults.iter().any(|fault| fault.contains("taken twice")), "{faults:?}");
    let faults = judged(Sending::Rounded).await;
    assert!(!faults.is_empty() && faults.iter().all(|fault| fault.contains("0 times")), "{faults:?}");
}
