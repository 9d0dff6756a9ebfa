//! One mail to whoever is told: a connection of its own, in the clear only where the site says so, and a failure in the log once.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use sha2::{Digest, Sha256};

use super::notices::Notice;
use crate::config::settings::{Email, EmailTls};
use crate::host::said::Said;

/// The longest that one call to the server may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Mail {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    said: Said,
}

impl Mail {
    /// Nothing where the certificate or an address can't be used; the log says so.
    pub(super) fn new(settings: &Email) -> Option<Mail> {
        let made = transport(settings).map_err(|error| error.to_string()).and_then(|server| {
            let mailbox = |text: &String| text.parse::<Mailbox>().map_err(|error| error.to_string());
            let to = settings.to.iter().map(mailbox).collect::<Result<_, _>>()?;
            Ok(Mail { server, from: mailbox(&settings.from)?, to, said: Said::of("the e-mails") })
        });
        made.inspect_err(|error| tracing::error!(%error, "failed to set up the e-mails; nobody gets them"))
            .ok()
    }

    /// Whether the server took it.
    pub(super) async fn tell(&mut self, notice: &Notice, site: &str) -> bool {
        let sent = match self.message(notice, site) {
            Ok(message) => self.server.send(message).await.map(drop).map_err(|error| why(&error)),
            Err(error) => Err(error.to_string()),
        };
        self.said.came_to(sent)
    }

    /// With the same ID whenever it is sent again, by which a mailbox knows it.
    fn message(&self, notice: &Notice, site: &str) -> Result<Message, lettre::error::Error> {
        let digest = Sha256::digest(format!("{site}/{}", notice.id));
        let name: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let message = Message::builder()
            .from(self.from.clone())
            .message_id(Some(format!("<{name}@{}>", self.from.email.domain())))
            .subject(notice.headline(site));
        let message = self.to.iter().cloned().fold(message, |message, to| message.to(to));
        message.header(ContentType::TEXT_PLAIN).body(notice.letter(site))
    }
}

/// Whether the server lets labwire in, by TLS and login as configured, and why not. It is sent no mail. A password that isn't for
/// this process to see isn't tried.
///
/// # Errors
/// What is in the way, without the server's words.
pub async fn mail_server_admits(settings: &Email) -> Result<(), String> {
    let login = settings.login.clone().filter(|(_, password)| !password.reveal().is_empty());
    let server = transport(&Email { login, ..settings.clone() }).map_err(|error| error.to_string())?;
    match server.test_connection().await {
        Ok(true) => Ok(()),
        Ok(false) => Err("the server hung up".to_owned()),
        Err(error) => Err(why(&error)),
    }
}

fn transport(settings: &Email) -> Result<AsyncSmtpTransport<Tokio1Executor>, lettre::transport::smtp::Error> {
    let tls = || {
        let parameters = TlsParameters::builder(settings.host.clone());
        match &settings.ca_pem {
            Some(pem) => parameters
                .certificate_store(CertificateStore::None)
                .add_root_certificate(Certificate::from_pem(pem)?)
                .build(),
            None => parameters.certificate_store(CertificateStore::Default).build(),
        }
    };
    let tls = match settings.tls {
        EmailTls::None => Tls::None,
        EmailTls::StartTls => Tls::Required(tls()?),
        EmailTls::Implicit => Tls::Wrapper(tls()?),
    };
    let server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
        .port(settings.port)
        .tls(tls)
        .timeout(Some(PATIENCE));
    let server = match &settings.login {
        Some((user, password)) => {
            server.credentials(Credentials::new(user.clone(), password.reveal().clone()))
        }
        None => server,
    };
    Ok(server.build())
}

/// Without what the server says in words, which may name a mailbox.
fn why(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("the answer is {code}"),
        None if error.is_timeout() => "the server doesn't answer".to_owned(),
        None if error.is_tls() => "the server's certificate, or its TLS, can't be used".to_owned(),
        None if error.is_client() => {
            "the server doesn't offer what is asked of it: STARTTLS, or a way to sign in".to_owned()
        }
        None => "the server can't be reached, or what it says isn't SMTP".to_owned(),
    }
}
