//! HL7 clients and servers that others wrote, against the real program: what clients send is answered so that they
//! understand it, and reaches the journal once.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "peers/servers.rs"]
mod servers;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output};

use support::*;

/// Where the peers are installed: `python` is a virtual environment, `node_modules` beside it.
fn peers() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/peers")
}

/// Sends each file with node-hl7-client and prints the code and control ID of each answer.
const NODE: &str = r#"
import { Client, Message } from 'node-hl7-client'
import { readFileSync } from 'node:fs'
const [port, ...files] = process.argv.slice(2)
setTimeout(() => process.exit(1), 20000)
const send = () => {
  const text = readFileSync(files.shift(), 'utf8').split('\n').join('\r')
  return connection.sendMessage(new Message({ text }))
}
const connection = new Client({ host: '127.0.0.1' }).createConnection({ port: Number(port) }, async (response) => {
  const answer = response.getMessage()
  console.log(String(answer.get('MSA.1')), String(answer.get('MSA.2')))
  if (files.length === 0) process.exit(0)
  await send()
})
await send()
"#;

/// A message of a cobas pro, in lines.
fn message(control_id: &str, specimen: &str) -> String {
    format!(
        "MSH|^~\\&|cobas pro||Host||20260501120000||OUL^R22^OUL_R22|{control_id}|P|2.5.1|||NE|AL||UNICODE UTF-8\n\
         SPM|1|{specimen}&BARCODE||SERPLAS|||||||P\n\
         OBR|1|\"\"||10020\n\
         OBX|1|NM|10020|1|1.12|ng/dL|||||F|||||||e801~77|20260501115500\n"
    )
}

async fn laboratory(files: &[(&str, &str)]) -> (labsim::lims::Lims, Lab, SocketAddr, Vec<PathBuf>) {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("cobas", "roche-cobas-pro", "", &listener(address));
    let write = |(id, specimen): &(&str, &str)| {
        let path = lab.path(&format!("{id}.hl7"));
        std::fs::write(&path, message(id, specimen)).unwrap();
        path
    };
    let files = files.iter().map(write).collect();
    (lims, lab, address, files)
}

fn told(output: &Output) -> String {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PyPI's hl7 in target/peers/python"]
async fn python_s_mllp_send_understands_its_answer() {
    let (_lims, lab, address, files) = laboratory(&[("71", "S71")]).await;
    let _gateway = lab.start().await;
    drop(connect(address).await);
    let sent = Command::new(peers().join("python/bin/mllp_send"))
        .args(["--loose", "-p", &address.port().to_string(), "-f"])
        .args(&files)
        .arg("127.0.0.1")
        .output()
        .unwrap();
    assert!(sent.status.success() && told(&sent).contains("MSA|AA|71"), "{}", told(&sent));
    until("the LIMS has it", || lab.count("accepted") == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs npm's node-hl7-client in target/peers"]
async fn node_s_client_understands_its_answers() {
    let (_lims, lab, address, files) = laboratory(&[("81", "S81"), ("82", "S82"), ("83", "S83")]).await;
    let _gateway = lab.start().await;
    drop(connect(address).await);
    let script = peers().join("send.mjs");
    std::fs::write(&script, NODE).unwrap();
    let sent =
        Command::new("node").arg(&script).arg(address.port().to_string()).args(&files).output().unwrap();
    for answer in ["AA 81", "AA 82", "AA 83"] {
        assert!(told(&sent).contains(answer), "{answer}: {}", told(&sent));
    }
    until("the LIMS has them", || lab.count("accepted") == 3).await;
}
