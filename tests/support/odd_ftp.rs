//! A small FTP server, written for these tests, that falls silent, hangs up or changes a file at a chosen moment.

#![allow(dead_code, reason = "every test program uses its own part of this")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conduct {
    Honest,
    /// It takes connections and says nothing.
    Silent,
    /// It sends half of a file and then nothing.
    Hangs,
    /// It sends half of a file, says that was all of it, and closes the connection.
    Halves,
    /// It sends half of a file and both connections are gone.
    HangsUp,
    /// It sends half of the file of this name and says that it can't read the rest.
    Breaks(&'static str),
    /// It sends half of the file of this name, and both connections are gone.
    HangsUpAt(&'static str),
    /// It lists the file of this name and says of anything else about it that there is no such file.
    Withholds(&'static str),
    /// It replaces a file by the next one once it was sent.
    Replaces,
    /// It replaces a file once it was sent and looked at again.
    ReplacesLater,
}

struct State {
    conduct: Conduct,
    files: BTreeMap<String, Vec<u8>>,
    /// What the next replacement is.
    next: Option<Vec<u8>>,
    /// Whether a file was sent, and how often its size was asked since.
    asked: Option<u32>,
    /// How often a file of any name was changed: its time.
    changes: u32,
    fetched: u32,
    /// By which somebody logged in last.
    password: Option<String>,
}

#[derive(Clone)]
pub(crate) struct OddServer {
    state: Arc<Mutex<State>>,
    pub(crate) address: SocketAddr,
}

impl OddServer {
    pub(crate) async fn start(conduct: Conduct, name: &str, content: &str, next: Option<&str>) -> OddServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = State {
            conduct,
            files: BTreeMap::from([(name.to_owned(), content.as_bytes().to_vec())]),
            next: next.map(|next| next.as_bytes().to_vec()),
            asked: None,
            changes: 0,
            fetched: 0,
            password: None,
        };
        let server =
            OddServer { state: Arc::new(Mutex::new(state)), address: listener.local_addr().unwrap() };
        let theirs = server.clone();
        tokio::spawn(async move {
            while let Ok((line, _)) = listener.accept().await {
                let server = theirs.clone();
                tokio::spawn(async move {
                    let _ = server.serve(line).await;
                });
            }
        });
        server
    }

    pub(crate) fn becomes(&self, conduct: Conduct) {
        self.state.lock().unwrap().conduct = conduct;
    }

    /// Another file lies there.
    pub(crate) fn add(&self, name: &str, content: &str) {
        self.state.lock().unwrap().files.insert(name.to_owned(), content.as_bytes().to_vec());
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.state.lock().unwrap().files.keys().cloned().collect()
    }

    pub(crate) fn password(&self) -> Option<String> {
        self.state.lock().unwrap().password.clone()
    }

    /// How often a file was asked for.
    pub(crate) fn fetched(&self) -> u32 {
        self.state.lock().unwrap().fetched
    }

    pub(crate) fn table(&self, more: &str) -> String {
        format!(
            "[ftp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\ntimeout_secs = 1\nuser = \"labwire\"\n\
             password_file = \"password\"\n{more}\n",
            self.address.port()
        )
    }

    async fn serve(&self, line: TcpStream) -> std::io::Result<()> {
        if self.conduct() == Conduct::Silent {
            return std::future::pending().await;
        }
        let mut line = BufReader::new(line);
        line.write_all(b"220 hello\r\n").await?;
        let mut data = None;
        loop {
            let mut command = String::new();
            if line.read_line(&mut command).await? == 0 {
                return Ok(());
            }
            let (verb, name) = command.trim_end().split_once(' ').unwrap_or((command.trim_end(), ""));
            let reply = match verb {
                "USER" => "331 and?".to_owned(),
                "PASS" => {
                    self.state.lock().unwrap().password = Some(name.to_owned());
                    "230 in".to_owned()
                }
                "TYPE" | "NOOP" => "200 yes".to_owned(),
                "PASV" => {
                    let listener = TcpListener::bind("127.0.0.1:0").await?;
                    let port = listener.local_addr()?.port();
                    data = Some(listener);
                    format!("227 at (127,0,0,1,{},{})", port >> 8, port & 255)
                }
                "SIZE" | "MDTM" | "RETR" if self.withholds(name) => "550 what?".to_owned(),
                "SIZE" => self.size(name),
                "MDTM" => format!("213 202605011200{:02}", self.state.lock().unwrap().changes),
                "LIST" | "RETR" => {
                    let Some(listener) = data.take() else { return Ok(()) };
                    line.write_all(b"150 here\r\n").await?;
                    let (stream, _) = listener.accept().await?;
                    if verb == "LIST" {
                        self.list(stream).await?
                    } else {
                        self.send(stream, name).await?
                    };
                    match self.conduct() {
                        Conduct::HangsUp if verb == "RETR" => return Ok(()),
                        Conduct::HangsUpAt(this) if verb == "RETR" && name == this => return Ok(()),
                        Conduct::Breaks(this) if verb == "RETR" && name == this => {
                            "451 the disk is broken".to_owned()
                        }
                        _ => "226 that is all".to_owned(),
                    }
                }
                "DELE" => match self.state.lock().unwrap().files.remove(name) {
                    Some(_) => "250 gone".to_owned(),
                    None => "550 what?".to_owned(),
                },
                "QUIT" => "221 bye".to_owned(),
                _ => "502 what?".to_owned(),
            };
            line.write_all(format!("{reply}\r\n").as_bytes()).await?;
        }
    }

    fn conduct(&self) -> Conduct {
        self.state.lock().unwrap().conduct
    }

    fn withholds(&self, name: &str) -> bool {
        matches!(self.conduct(), Conduct::Withholds(this) if this == name)
    }

    fn size(&self, name: &str) -> String {
        let mut state = self.state.lock().unwrap();
        state.asked = state.asked.map(|asked| asked + 1);
        // The first question is whether it changed while it was sent, the second whether it did since.
        if state.conduct == Conduct::ReplacesLater && state.asked == Some(2) {
            state.replace(name);
        }
        state.files.get(name).map_or("550 what?".to_owned(), |content| format!("213 {}", content.len()))
    }

    async fn list(&self, mut data: TcpStream) -> std::io::Result<()> {
        let lines: String = {
            let state = self.state.lock().unwrap();
            let line = |(name, content): (&String, &Vec<u8>)| {
                format!("-rw-r--r-- 1 a b {} May 01 12:00 {name}\r\n", content.len())
            };
            state.files.iter().map(line).collect()
        };
        data.write_all(lines.as_bytes()).await
    }

    async fn send(&self, mut data: TcpStream, name: &str) -> std::io::Result<()> {
        let (conduct, content) = {
            let mut state = self.state.lock().unwrap();
            state.fetched += 1;
            (state.conduct, state.files.get(name).cloned().unwrap_or_default())
        };
        let half = content.len() / 2;
        let whole = match conduct {
            Conduct::Honest | Conduct::Withholds(_) | Conduct::Replaces | Conduct::ReplacesLater => true,
            Conduct::Breaks(this) | Conduct::HangsUpAt(this) => this != name,
            _ => false,
        };
        data.write_all(if whole { &content } else { &content[..half] }).await?;
        if conduct == Conduct::Hangs {
            return std::future::pending().await;
        }
        let mut state = self.state.lock().unwrap();
        state.asked = Some(0);
        if conduct == Conduct::Replaces {
            state.replace(name);
        }
        Ok(())
    }
}

impl State {
    fn replace(&mut self, name: &str) {
        if let Some(next) = self.next.take() {
            self.files.insert(name.to_owned(), next);
            self.changes += 1;
        }
    }
}
