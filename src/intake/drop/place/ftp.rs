//! Files on an FTP server: a login for each visit, MLSD where the server has it, else LIST with SIZE and MDTM for each
//! file that matters. Every call ends in time.

mod words;

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use suppaftp::tokio::{AsyncRustlsConnector, AsyncRustlsFtpStream, AsyncRustlsStream, TransferStream};
use suppaftp::types::FileType;
use suppaftp::{Encoding, FtpError, FtpResult, Mode, Status};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::listing::Seen;
use words::{is, of_connection, of_file, of_folder, of_login, of_removal, of_transfer};

use super::{MOST, PIECE, Renamed, Trouble, listing, names, within};
use crate::config::settings::{FtpMode, FtpSettings, FtpTls};
use crate::host::tls::{FileServer, TlsError};
use crate::intake::drop::decide::{Listed, Listing, NoFile, Other};
use crate::intake::drop::spool::Spool;

/// The longest listing, in bytes.
const LISTING: u64 = 32 * 1024 * 1024;
/// How long a server is waited for that has nothing more to say.
const GOODBYE: Duration = Duration::from_secs(3);

/// A server and how it is trusted. One for all visits: sessions of TLS are resumed from visit to visit, and from a
/// visit to its transfers, which some servers insist on.
pub(in crate::intake::drop) struct Ftp {
    settings: FtpSettings,
    patience: Duration,
    tls: Option<FileServer>,
    /// It was found to know no MLSD.
    lists: AtomicBool,
}

/// A login.
pub(in crate::intake::drop) struct Session<'a> {
    ftp: &'a Ftp,
    stream: AsyncRustlsFtpStream,
    /// It lists in facts.
    facts: bool,
    /// It tells a file's size and time, as far as is known.
    tells_size: bool,
    tells_time: bool,
}

type Data = TransferStream<AsyncRustlsStream>;
/// The files of a listing, and what else it names.
type Entries = (Vec<listing::Entry>, Vec<Other>);

/// Names as the server has them, byte for byte.
#[derive(Debug)]
struct Bytes;

impl Encoding for Bytes {
    fn decode(&self, bytes: &[u8]) -> String {
        names::text(bytes)
    }

    fn encode(&self, text: &str) -> io::Result<Vec<u8>> {
        Ok(names::bytes(text))
    }
}

impl Ftp {
    pub(super) fn new(settings: FtpSettings, patience: Duration) -> Result<Ftp, TlsError> {
        let tls = match &settings.tls {
            FtpTls::None => None,
            FtpTls::Explicit(trust) | FtpTls::Implicit(trust) => {
                Some(FileServer::new(trust, &settings.host)?)
            }
        };
        Ok(Ftp { settings, patience, tls, lists: AtomicBool::new(false) })
    }

    /// Connects and logs in.
    pub(super) async fn login(&self) -> Result<Session<'_>, Trouble> {
        let stream = within(self.patience, "the server hasn't let anybody in", async {
            let stream = self.connect().await.map_err(of_connection)?;
            self.introduce(stream).await
        });
        let (stream, facts) = (stream.await?, !self.lists.load(Ordering::Relaxed));
        Ok(Session { ftp: self, stream, facts, tells_size: true, tells_time: true })
    }

    async fn connect(&self) -> FtpResult<AsyncRustlsFtpStream> {
        let place = (self.settings.host.as_str(), self.settings.port);
        let secure = |tls: &FileServer| AsyncRustlsConnector::from(tls.connector());
        match (&self.settings.tls, &self.tls) {
            (FtpTls::Implicit(_), Some(tls)) => {
                let connected = AsyncRustlsFtpStream::connect_secure_implicit(place, secure(tls), tls.name());
                let mut stream = connected.await?;
                stream.custom_command("PBSZ 0", &[Status::CommandOk]).await?;
                stream.custom_command("PROT P", &[Status::CommandOk]).await?;
                Ok(stream)
            }
            (FtpTls::Explicit(_), Some(tls)) => {
                let stream = TcpStream::connect(place).await.map_err(FtpError::ConnectionError)?;
                let stream = AsyncRustlsFtpStream::connect_with_stream(stream).await?;
                stream.into_secure(secure(tls), tls.name()).await
            }
            _ => {
                let stream = TcpStream::connect(place).await.map_err(FtpError::ConnectionError)?;
                AsyncRustlsFtpStream::connect_with_stream(stream).await
            }
        }
    }

    /// The login, and what makes names and sizes reliable.
    async fn introduce(&self, stream: AsyncRustlsFtpStream) -> Result<AsyncRustlsFtpStream, Trouble> {
        let mut stream = match self.settings.mode {
            FtpMode::Passive => stream,
            FtpMode::Active => stream.active_mode(self.patience),
        };
        if self.settings.mode == FtpMode::Passive {
            let peer = stream.get_ref().await.peer_addr().map(|peer| peer.ip().to_canonical());
            stream.set_mode(match peer {
                Ok(IpAddr::V6(_)) => Mode::ExtendedPassive,
                _ => Mode::Passive,
            });
            // A server behind a router names an address that only its own network knows.
            stream.set_passive_nat_workaround(true);
        }
        stream.set_encoding(Bytes).await;
        let login = stream.login(self.settings.user.as_str(), self.settings.password.reveal().as_str());
        login.await.map_err(of_login)?;
        stream.transfer_type(FileType::Image).await.map_err(of_connection)?;
        if !self.settings.folder.is_empty() {
            stream.cwd(&self.settings.folder).await.map_err(of_folder)?;
        }
        Ok(stream)
    }
}

impl Session<'_> {
    /// The files whose names are wanted.
    pub(super) async fn list(&mut self, wanted: impl Fn(&str) -> bool) -> Result<Listing, Trouble> {
        let (entries, others) = self.entries().await?;
        let entries: Vec<listing::Entry> = entries.into_iter().filter(|it| wanted(&it.name)).collect();
        if self.facts {
            return Ok(Listing { files: entries.into_iter().map(to_the_second).collect(), others });
        }
        let mut files = Vec::with_capacity(entries.len());
        for entry in entries {
            // What is named and can't be asked for stays in the list: that it can't be had is said when it is fetched.
            let closely = self.closely(entry.clone()).await?;
            files.push(closely.unwrap_or_else(|| to_the_minute(entry)));
        }
        Ok(Listing { files, others })
    }

    pub(super) async fn look(&mut self, name: &str) -> Result<Option<Listed>, Trouble> {
        if self.facts {
            let patience = self.ftp.patience;
            let told = within(patience, "the server hasn't said what a file is", async {
                match self.stream.mlst(Some(name)).await {
                    Ok(line) => Ok(Some(line)),
                    Err(error) if is(&error, &[Status::FileUnavailable]) => Ok(None),
                    Err(error) => Err(of_connection(error)),
                }
            });
            return Ok(match told.await?.map(|line| listing::facts(line.trim_start())) {
                Some(Seen::File(entry)) => Some(Listed { name: name.to_owned(), ..to_the_second(entry) }),
                _ => None,
            });
        }
        if self.tells_size && self.tells_time {
            let entry = listing::Entry { name: name.to_owned(), size: 0, time: String::new() };
            if let Some(file) = self.closely(entry).await? {
                return Ok(Some(file));
            }
        }
        let found = self.entries().await?.0.into_iter().find(|entry| entry.name == name);
        match found {
            Some(entry) => {
                Ok(Some(self.closely(entry.clone()).await?.unwrap_or_else(|| to_the_minute(entry))))
            }
            None => Ok(None),
        }
    }

    /// What a server without facts says of one file: a listing's times are too coarse to see a change by.
    async fn closely(&mut self, mut entry: listing::Entry) -> Result<Option<Listed>, Trouble> {
        let patience = self.ftp.patience;
        let (size, time) = (self.tells_size, self.tells_time);
        let stream = &mut self.stream;
        let name = entry.name.clone();
        let told = within(patience, "the server hasn't said what a file is", async {
            let size = if size { answer(stream, "SIZE", &name).await? } else { Told::Never };
            let time = if time { answer(stream, "MDTM", &name).await? } else { Told::Never };
            Ok((size, time))
        });
        let (size, time) = told.await?;
        match size {
            Told::Gone => return Ok(None),
            Told::Never => self.tells_size = false,
            Told::This(text) => {
                let number = text.parse();
                entry.size = number.map_err(|_| Trouble::File("the server says no size of it".to_owned()))?;
            }
        }
        Ok(match time {
            Told::Gone => None,
            Told::Never => {
                self.tells_time = false;
                Some(to_the_minute(entry))
            }
            Told::This(text) => Some(to_the_second(listing::Entry { time: text, ..entry })),
        })
    }

    /// What the server lists, in facts if it can. What it can is found by asking: not every server that tells of its
    /// features tells the truth.
    async fn entries(&mut self) -> Result<Entries, Trouble> {
        if self.facts {
            match self.open("MLSD").await? {
                Some(data) => return self.read_entries(data, listing::facts).await,
                None => {
                    self.facts = false;
                    self.ftp.lists.store(true, Ordering::Relaxed);
                }
            }
        }
        match self.open("LIST").await? {
            Some(data) => self.read_entries(data, listing::line).await,
            None => {
                Err(Trouble::Place("the server knows neither MLSD nor LIST; it can't be used".to_owned()))
            }
        }
    }

    /// The answer to a question for a list; `None` when the server doesn't know it.
    async fn open(&mut self, command: &str) -> Result<Option<Data>, Trouble> {
        const UNKNOWN: [Status; 4] = [
            Status::BadCommand,
            Status::BadArguments,
            Status::NotImplemented,
            Status::NotImplementedParameter,
        ];
        within(self.ftp.patience, "the server hasn't begun to list", async {
            let begun = [Status::AboutToSend, Status::AlreadyOpen];
            match self.stream.custom_data_command(command, &begun).await {
                Ok((_, data)) => Ok(Some(data)),
                Err(error) if is(&error, &UNKNOWN) => Ok(None),
                Err(error) => Err(of_transfer(error)),
            }
        })
        .await
    }

    async fn read_entries(&self, data: Data, read: fn(&str) -> Seen) -> Result<Entries, Trouble> {
        let patience = self.ftp.patience;
        let mut text = Vec::new();
        let mut data = data.take(LISTING);
        let mut piece = vec![0; 16 * 1024];
        loop {
            let call = some_of(&mut data, &mut piece);
            let count = within(patience, "the server has stopped in the middle of a list", call).await?;
            match piece.get(..count) {
                Some(bytes) if !bytes.is_empty() => text.extend_from_slice(bytes),
                _ => break,
            }
        }
        let whole = data.limit() > 0;
        let finish = data.into_inner().finish();
        within(patience, "the server hasn't ended its list", async { finish.await.map_err(of_transfer) })
            .await?;
        let lines = text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let (mut entries, mut others) = (Vec::new(), Vec::new());
        for line in lines {
            match read(&names::text(line)) {
                Seen::File(entry) => entries.push(entry),
                Seen::Other(other) => others.push(other),
                Seen::Nothing => {}
            }
        }
        if entries.is_empty() && others.iter().any(|other| other.what == NoFile::Unknown) {
            return Err(Trouble::Place(
                "the server lists what it holds in a way that isn't understood; have it list as Unix or DOS does, or by MLSD"
                    .to_owned(),
            ));
        }
        if !whole || entries.len() + others.len() > MOST {
            return Err(Trouble::Place(format!(
                "the folder holds more than {MOST} files; move the old ones away"
            )));
        }
        Ok((entries, others))
    }

    pub(super) async fn fetch(&mut self, name: &str, spool: &mut Spool) -> Result<(), Trouble> {
        let patience = self.ftp.patience;
        let opened = within(patience, "the server hasn't begun to send a file", async {
            self.stream.retr_as_stream(name).await.map_err(of_file)
        });
        let mut data = opened.await?;
        let mut piece = vec![0; PIECE];
        loop {
            let call = some_of(&mut data, &mut piece);
            let count = within(patience, "the server has stopped in the middle of a file", call).await?;
            match piece.get(..count) {
                Some(bytes) if !bytes.is_empty() => spool.write(bytes).await?,
                _ => break,
            }
        }
        within(patience, "the server hasn't said that a file is over", async {
            data.finish().await.map_err(of_file)
        })
        .await
    }

    pub(super) async fn delete(&mut self, name: &str) -> Result<(), Trouble> {
        within(self.ftp.patience, "the server hasn't deleted a file", async {
            self.stream.rm(name).await.map_err(of_removal)
        })
        .await
    }

    /// Never over another file, as far as the server tells of it.
    pub(super) async fn rename(&mut self, name: &str, to: &str) -> Result<Renamed, Trouble> {
        let patience = self.ftp.patience;
        let stream = &mut self.stream;
        within(patience, "the server hasn't moved a file", async {
            if let Told::This(_) = answer(stream, "SIZE", to).await? {
                return Ok(Renamed::Taken);
            }
            if stream.rename(name, to).await.is_ok() {
                return Ok(Renamed::Yes);
            }
            // The folder may be missing.
            if let Some((folder, _)) = to.rsplit_once('/') {
                let _ = stream.mkdir(folder).await;
            }
            stream.rename(name, to).await.map(|()| Renamed::Yes).map_err(of_removal)
        })
        .await
    }

    pub(super) async fn quit(mut self) {
        let _ = tokio::time::timeout(GOODBYE.min(self.ftp.patience), self.stream.quit()).await;
    }
}

/// What a server answers about one file.
enum Told {
    This(String),
    /// There is no such file.
    Gone,
    /// It doesn't know the question.
    Never,
}

async fn answer(stream: &mut AsyncRustlsFtpStream, question: &str, name: &str) -> Result<Told, Trouble> {
    match stream.custom_command(format!("{question} {name}"), &[Status::File]).await {
        Ok(response) => {
            let text = String::from_utf8_lossy(&response.body).into_owned();
            Ok(Told::This(text.split_ascii_whitespace().last().unwrap_or_default().to_owned()))
        }
        Err(error) if is(&error, &[Status::FileUnavailable]) => Ok(Told::Gone),
        Err(FtpError::UnexpectedResponse(_)) => Ok(Told::Never),
        Err(error) => Err(of_connection(error)),
    }
}

async fn some_of(data: &mut (impl AsyncReadExt + Unpin), piece: &mut [u8]) -> Result<usize, Trouble> {
    match data.read(piece).await {
        // Many servers end TLS without saying so; what came is measured against the file's size.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(0),
        other => other.map_err(|error| of_connection(FtpError::ConnectionError(error))),
    }
}

/// By its facts, or by MDTM.
fn to_the_second(entry: listing::Entry) -> Listed {
    Listed { name: entry.name, size: entry.size, stamp: entry.time, is_coarse: false }
}

/// By LIST alone.
fn to_the_minute(entry: listing::Entry) -> Listed {
    Listed { is_coarse: true, ..to_the_second(entry) }
}
