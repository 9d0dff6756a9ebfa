//! Who isn't looking at the page is told, by a webhook or by mail, once that something has begun and once that it is over, over a
//! refusal and a kill, and hears regularly that labwire lives.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "support/lims_by_hand.rs"]
mod lims_by_hand;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use lims_by_hand::{Asked, LimsByHand, json};
use serde_json::Value;
use support::*;

fn alerts(receiver: &LimsByHand) -> Vec<Asked> {
    receiver.asked().into_iter().filter(|it| it.head.starts_with("POST ")).collect()
}

fn beats(receiver: &LimsByHand) -> usize {
    receiver.asked().iter().filter(|it| it.head.starts_with("GET /beat")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_down_is_told_once_and_its_end_after_a_kill() {
    let receiver = LimsByHand::start(|_, before| match before {
        0 | 1 => json("503 Service Unavailable", "", "{}"),
        _ => json("200 OK", "", "{}"),
    })
    .await;
    let lims = lims().await;
    let address = receiver.address;
    let lab = Lab::new(
        &lims,
        &format!(
            "[alerts.webhook]\nurl = \"http://{address}/alert\"\nafter_secs = 0\n\
             [alerts.heartbeat]\nurl = \"http://{address}/beat\"\n"
        ),
    );
    lab.instrument("gone", "erba-xl", "", "[serial]\ndevice = \"/dev/none\"\nbaud = 9600\n");
    let told = lab.path("labwire.alerts");
    let remembers = |what: &str| std::fs::read_to_string(&told).is_ok_and(|text| text.contains(what));

    let gateway = lab.start().await;
    until("its begin was taken", || remembers("link-down")).await;
    gateway.kill();
    let began = alerts(&receiver);

    std::fs::remove_file(lab.path("instruments.d/gone.toml")).unwrap();
    let gateway = lab.start().await;
    until("its end was taken", || !remembers("link-down")).await;
    assert!(gateway.terminate().success());

    let all: Vec<Value> =
        alerts(&receiver).iter().map(|it| serde_json::from_str(&it.body).unwrap()).collect();
    let text = |it: &Value, name: &str| it.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let states: Vec<String> = all.iter().map(|it| text(it, "state")).collect();
    let (last, begins) = states.split_last().unwrap();
    assert_eq!(last, "over");
    assert!((1..=3).contains(&begins.len()) && begins.iter().all(|it| it == "begun"), "{states:?}");
    for (asked, body) in began.iter().zip(&all) {
        assert_eq!(asked.header("idempotency-key").unwrap(), format!("\"{}\"", text(body, "id")));
        assert_eq!(text(body, "id"), text(all.first().unwrap(), "id"), "sent again under its number");
        assert_eq!((text(body, "alert"), text(body, "about")), ("link-down".to_owned(), "gone".to_owned()));
    }
    assert!(beats(&receiver) >= 2, "one at each start");
}

/// aiosmtpd, which takes mails over STARTTLS from who logs in, and prints each as a line of JSON.
const SERVER: &str = r#"
import json, ssl, sys, time
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
class Keep:
    refused = 0
    async def handle_DATA(self, server, session, envelope):
        if Keep.refused < 2:
            Keep.refused += 1
            return "451 try again"
        kept = {"to": envelope.rcpt_tos, "mail": envelope.content.decode(), "tls": session.ssl is not None}
        print(json.dumps(kept), flush=True)
        return "250 OK"
def login(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"labwire", b"secret"))
tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain(sys.argv[2], sys.argv[3])
Controller(Keep(), hostname="localhost", port=int(sys.argv[1]), tls_context=tls, require_starttls=True,
           authenticator=login, auth_required=True).start()
time.sleep(600)
"#;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs aiosmtpd"]
async fn the_same_is_mailed_over_tls_to_a_server_that_is_trusted() {
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers/python/bin/python");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let lims = lims().await;
    let port = free_port().port();
    let alerts = |authority: &str| {
        format!(
            "[alerts.email]\nserver = \"localhost\"\nport = {port}\nca_file = \"{authority}\"\nuser = \"labwire\"\n\
             password_file = \"mail.password\"\nfrom = \"labwire@lab.example\"\n\
             to = [\"one@lab.example\", \"two@lab.example\"]\nafter_secs = 0\n"
        )
    };
    let lab = Lab::new(&lims, "");
    for (name, text) in [
        ("mail.pem", made.cert.pem()),
        ("mail.key", made.signing_key.serialize_pem()),
        ("mail.password", "secret\n".to_owned()),
        ("other.pem", rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem()),
    ] {
        std::fs::write(lab.path(name), text).unwrap();
    }
    let mails = lab.path("mails");
    let mut server = std::process::Command::new(python)
        .args(["-c", SERVER, &port.to_string()])
        .args([lab.path("mail.pem"), lab.path("mail.key")])
        .stdout(std::fs::File::create(&mails).unwrap())
        .spawn()
        .unwrap();
    let reachable = || std::net::TcpStream::connect(("localhost", port)).is_ok();
    until("the server stands", reachable).await;
    lab.instrument("gone", "erba-xl", "", "[serial]\ndevice = \"/dev/none\"\nbaud = 9600\n");
    let kept = || -> Vec<Value> {
        let text = std::fs::read_to_string(&mails).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let settings = std::fs::read_to_string(lab.path("labwire.toml")).unwrap();

    // The negative control: a server that isn't the trusted one gets nothing.
    std::fs::write(lab.path("labwire.toml"), format!("{settings}\n{}", alerts("other.pem"))).unwrap();
    let gateway = lab.start().await;
    let log = || std::fs::read_to_string(lab.path("log")).unwrap();
    until("it isn't trusted", || log().contains("failed to send the e-mails")).await;
    assert!(gateway.terminate().success());
    assert_eq!(kept(), Vec::<Value>::new());

    std::fs::write(lab.path("labwire.toml"), format!("{settings}\n{}", alerts("mail.pem"))).unwrap();
    let gateway = lab.start().await;
    let told = lab.path("labwire.alerts-mailed");
    let remembers = || std::fs::read_to_string(&told).is_ok_and(|text| text.contains("link-down"));
    until("it was taken", || remembers() && kept().len() == 1).await;
    gateway.kill();
    std::fs::remove_file(lab.path("instruments.d/gone.toml")).unwrap();
    let gateway = lab.start().await;
    until("its end was taken", || kept().len() == 2).await;
    assert!(gateway.terminate().success());
    server.kill().unwrap();
    server.wait().unwrap();
    for (mail, subject) in
        kept().iter().zip(["[labwire] DANGER: link-down gone", "[labwire] OVER: link-down gone"])
    {
        let text = mail["mail"].as_str().unwrap();
        assert!(text.contains(subject) && text.contains("Message-ID: <"), "{text}");
        assert_eq!(mail["to"], serde_json::json!(["one@lab.example", "two@lab.example"]));
        assert_eq!(mail["tls"], true);
    }
}
