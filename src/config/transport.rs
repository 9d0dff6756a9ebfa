//! The tables `[serial]`, `[tcp_server]` and `[tcp_client]`: how bytes reach an instrument; files have their own. Reads text only; it
//! opens no device and no socket.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use super::reader::{Entry, Table};
use super::settings::{
    FlowControl, Network, Parity, SecondConnection, SerialSettings, TcpClientSettings, TcpLimits,
    TcpServerSettings, Transport,
};
use super::{drop, tls};

const PARITIES: [(&str, Parity); 3] = [("none", Parity::None), ("even", Parity::Even), ("odd", Parity::Odd)];
const FLOW_CONTROLS: [(&str, FlowControl); 3] =
    [("none", FlowControl::None), ("software", FlowControl::Software), ("hardware", FlowControl::Hardware)];
const SECOND_CONNECTIONS: [(&str, SecondConnection); 2] =
    [("replace", SecondConnection::Replace), ("refuse", SecondConnection::Refuse)];

/// A transport and where the file names what it owns: the device or the address.
pub(super) struct Placed {
    pub(super) transport: Transport,
    pub(super) span: Range<usize>,
}

/// The file's one transport, with so many `connections` unless it says otherwise. `None`, and an error noted, when there is none, more than one, or a broken one.
pub(super) fn read(file: &mut Table<'_>, folder: &Path, connections: usize) -> Option<Placed> {
    let given = [
        file.table("serial", |table| serial(table, folder)),
        file.table("tcp_server", |table| tcp_server(table, folder, connections)),
        file.table("tcp_client", |table| tcp_client(table, folder)),
        file.table("folder", |table| drop::folder(table, folder)),
        file.table("ftp", |table| drop::ftp(table, folder)),
        file.table("sftp", |table| drop::sftp(table, folder)),
    ];
    let mut given: Vec<Option<Placed>> = given.into_iter().flatten().collect();
    if given.len() == 1 {
        return given.pop().flatten();
    }
    let fault =
        if given.is_empty() { "says not how it is connected" } else { "is connected in several ways" };
    file.error(format!(
        "the instrument {fault}; write one of [serial], [tcp_server], [tcp_client], [folder], [ftp] and [sftp]"
    ));
    None
}

fn serial(table: &mut Table<'_>, folder: &Path) -> Option<Placed> {
    let device = table.required("device", "\"/dev/serial/by-id/…\"");
    let baud = table.number("baud", 50..=4_000_000).unwrap_or(9_600);
    let data_bits = table.number("data_bits", 5..=8).unwrap_or(8);
    let parity = table.choice("parity", &PARITIES).unwrap_or(Parity::None);
    let stop_bits = table.number("stop_bits", 1..=2).unwrap_or(1);
    let flow_control = table.choice("flow_control", &FLOW_CONTROLS).unwrap_or(FlowControl::None);
    let device = device?;
    let settings =
        SerialSettings { device: path(&device, folder)?, baud, data_bits, parity, stop_bits, flow_control };
    Some(Placed { transport: Transport::Serial(settings), span: device.span() })
}

fn tcp_server(table: &mut Table<'_>, folder: &Path, connections: usize) -> Option<Placed> {
    let (settings, span) = server(table, folder, connections, "send results as this instrument")?;
    Some(Placed { transport: Transport::TcpServer(settings), span })
}

/// A listener, and where the file names its address. `danger` completes "anybody who reaches it can …".
pub(super) fn server(
    table: &mut Table<'_>,
    folder: &Path,
    connections: usize,
    danger: &str,
) -> Option<(TcpServerSettings, Range<usize>)> {
    let listen = table.required("listen", "\"0.0.0.0:4001\"");
    let allow = table.list("allow", |entry| entry.parsed(network)).unwrap_or_default();
    let max_connections = table.number("max_connections", 1..=64).unwrap_or(connections);
    let second_connection =
        table.choice("second_connection", &SECOND_CONNECTIONS).unwrap_or(SecondConnection::Replace);
    let limits = limits(table);
    let tls = table.table("tls", |table| tls::server(table, folder));
    let listen = listen?;
    let address = listen.parsed(listen_address)?;
    if allow.is_empty() && !address.ip().is_loopback() {
        listen
            .warning(format!("anybody who reaches {address} can {danger}; write allow = [\"its address\"]"));
    }
    let tls = match tls {
        Some(tls) => Some(tls?),
        None => None,
    };
    let settings =
        TcpServerSettings { listen: address, allow, max_connections, second_connection, limits, tls };
    Some((settings, listen.span()))
}

fn tcp_client(table: &mut Table<'_>, folder: &Path) -> Option<Placed> {
    let connect = table.required("connect", "\"10.0.0.5:4001\"");
    let limits = limits(table);
    let address = connect.as_ref().and_then(|entry| entry.parsed(host_and_port));
    let host = address.as_deref().map_or("", host_of);
    let tls = table.table("tls", |table| tls::client(table, host, folder));
    let tls = match tls {
        Some(tls) => Some(tls?),
        None => None,
    };
    let connect = connect?;
    let settings = TcpClientSettings { connect: address?, limits, tls };
    Some(Placed { transport: Transport::TcpClient(settings), span: connect.span() })
}

fn limits(table: &mut Table<'_>) -> TcpLimits {
    TcpLimits {
        keep_alive: table.seconds("keep_alive_secs", 1..=3_600).unwrap_or(Duration::from_secs(60)),
        user_timeout: table.seconds("user_timeout_secs", 1..=3_600).unwrap_or(Duration::from_secs(60)),
        idle: table.seconds("idle_secs", 1..=604_800),
    }
}

/// A path, relative to the configuration folder unless it is absolute.
pub(super) fn path(entry: &Entry<'_>, folder: &Path) -> Option<std::path::PathBuf> {
    entry.parsed(|text| match text {
        "" => Err("this path is empty; write where it is".to_owned()),
        text if text.contains('\0') => Err("a path can't hold a zero byte".to_owned()),
        text => Ok(folder.join(text)),
    })
}

/// An IP address and a port other than 0.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().ok().filter(|address: &SocketAddr| address.port() != 0).ok_or_else(|| {
        format!("{text:?} is no address with a port; write one such as \"127.0.0.1:4001\" or \"[::1]:4001\"")
    })
}

/// The host of such a text.
pub(super) fn host_of(address: &str) -> &str {
    address.rsplit_once(':').map_or("", |(host, _)| host)
}

pub(super) fn host_and_port(text: &str) -> Result<String, String> {
    let odd = |host: &str| {
        host.is_empty()
            || host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/')
            || (host.contains(':') && !(host.starts_with('[') && host.ends_with(']')))
    };
    match text.rsplit_once(':') {
        Some((host, port)) if !odd(host) && port.parse().is_ok_and(|port: u16| port != 0) => {
            Ok(text.to_owned())
        }
        _ => Err(format!("{text:?} is no host with a port; write one such as \"10.0.0.5:4001\"")),
    }
}

fn network(text: &str) -> Result<Network, String> {
    let fault =
        || format!("{text:?} is no address or network; write one such as \"10.0.0.5\" or \"10.0.1.0/24\"");
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| fault())?;
    if address.to_canonical() != address {
        return Err(format!("{text:?} is an IPv4 address in disguise; write \"{}\"", address.to_canonical()));
    }
    let width = if address.is_ipv4() { 32 } else { 128 };
    let prefix: u8 = prefix.map_or(Ok(width), str::parse).map_err(|_| fault())?;
    if prefix > width {
        return Err(format!("{text:?} has too long a prefix; write at most /{width}"));
    }
    Ok(Network { address, prefix })
}
