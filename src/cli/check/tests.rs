//! What a check says of folders, devices and ports, in temporary folders and on ports that the system chose.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use tempfile::TempDir;

use super::*;

const INSTRUMENT: &str = "profile = \"erba-xl\"\ntime_zone = \"UTC\"\n";

/// A folder with a page on `page`, a journal beside it and one instrument.
fn folder(page: SocketAddr, transport: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let site = format!(
        "site = \"A\"\ncontrol_socket = \"sock\"\n[journal]\npath = \"journal.db\"\nreserve_mib = 16\n[page]\nlisten = \
         \"{page}\"\n[destination.lims]\nkind = \"file\"\nfolder = \"lims\"\n"
    );
    for (name, text) in [
        ("labwire.toml", site.as_str()),
        ("instruments.d/a.toml", &format!("{INSTRUMENT}{transport}")),
        ("dev/serial/by-id/.keep", ""),
        ("lims/.keep", ""),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::remove_file(folder.path().join("dev/serial/by-id/.keep")).unwrap();
    folder
}

/// A loopback address that nobody listens on: the last byte is the test's own.
fn free(own: u8) -> SocketAddr {
    TcpListener::bind(SocketAddr::from(([127, 77, 77, own], 0))).unwrap().local_addr().unwrap()
}

/// The report, with the folder's path as `DIR`.
fn told(folder: &TempDir) -> (String, Exit) {
    let report = report(folder.path(), &Machine::at(folder.path()));
    (report.text.replace(&folder.path().display().to_string(), "DIR"), report.exit)
}

const SERIAL: &str = "[serial]\ndevice = \"ttyUSB0\"\n";
const RIGHT: &str = "the configuration is right: 1 instrument, 1 destination, ";

#[test]
fn a_right_configuration_on_a_ready_machine_is_told_as_such() {
    let folder = folder(free(1), "[tcp_client]\nconnect = \"10.0.0.5:4001\"\n");
    let mut out = Vec::new();
    assert_eq!(run(folder.path(), &mut out), Exit::Done);
    assert_eq!(String::from_utf8(out).unwrap(), format!("{RIGHT}0 warnings\n"));
}

#[test]
fn a_wrong_configuration_ends_with_78() {
    let folder = folder(free(2), "[serial]\ndevice = \"x\"\nparity = \"evn\"\n");
    let expected = "instruments.d/a.toml:5:10: unknown parity \"evn\"; write \"none\", \"even\" or \"odd\"\n\
                    the configuration can't be used: 1 error\n";
    assert_eq!(told(&folder), (expected.to_owned(), Exit::Configuration));
    assert_eq!(Exit::Configuration.code(), 78);
}

#[test]
fn a_log_filter_that_cannot_be_understood_ends_with_78() {
    let folder = folder(free(3), SERIAL);
    let file = folder.path().join("labwire.toml");
    let site = fs::read_to_string(&file).unwrap() + "[log]\nfilter = \"labwire=loud\"\n";
    fs::write(&file, site).unwrap();
    let (text, exit) = told(&folder);
    assert!(text.starts_with("labwire.toml: unknown [log] filter \"labwire=loud\""), "{text}");
    assert_eq!(exit, Exit::Configuration);
}

#[test]
fn a_missing_device_is_told_with_what_is_plugged_in() {
    let folder = folder(free(4), SERIAL);
    let warning = "warning: instruments.d/a.toml: DIR/ttyUSB0 isn't there; ";
    let (text, exit) = told(&folder);
    assert_eq!(text, format!("{warning}no adapter is listed in /dev/serial/by-id\n{RIGHT}1 warning\n"));
    assert_eq!(exit, Exit::Done);

    fs::write(folder.path().join("dev/serial/by-id/usb-Example-if00"), "").unwrap();
    let (text, _) = told(&folder);
    assert_eq!(
        text,
        format!("{warning}plugged in: DIR/dev/serial/by-id/usb-Example-if00\n{RIGHT}1 warning\n")
    );
}

#[test]
fn a_device_name_that_can_change_is_told_with_the_one_that_stays() {
    let here = folder(free(5), SERIAL);
    fs::write(here.path().join("ttyUSB0"), "").unwrap();
    symlink("../../../ttyUSB0", here.path().join("dev/serial/by-id/usb-Example-if00")).unwrap();
    let (text, _) = told(&here);
    assert_eq!(
        text,
        format!(
            "warning: instruments.d/a.toml: DIR/ttyUSB0 can change its name when adapters are plugged in again; \
             write DIR/dev/serial/by-id/usb-Example-if00\n{RIGHT}1 warning\n"
        )
    );

    for chosen in ["dev/serial/by-id/usb-Example-if00", "analyzer"] {
        let file = here.path().join("instruments.d/a.toml");
        fs::write(file, format!("{INSTRUMENT}[serial]\ndevice = \"{chosen}\"\n")).unwrap();
        let _ = symlink("ttyUSB0", here.path().join("analyzer"));
        assert_eq!(told(&here).0, format!("{RIGHT}0 warnings\n"), "{chosen}");
    }
}

#[test]
fn a_device_without_a_name_of_its_own_is_told_with_the_place_where_it_is_plugged_in() {
    let here = folder(free(5), SERIAL);
    fs::write(here.path().join("ttyUSB0"), "").unwrap();
    fs::create_dir_all(here.path().join("dev/serial/by-path")).unwrap();
    for (target, place) in [("ttyUSB1", "usb-0:1:1.0-port0"), ("ttyUSB0", "usb-0:2:1.0-port0")] {
        let place = here.path().join("dev/serial/by-path").join(place);
        symlink(format!("../../../{target}"), place).unwrap();
    }
    assert_eq!(
        told(&here).0,
        format!(
            "warning: instruments.d/a.toml: DIR/ttyUSB0 can change its name when adapters are plugged in again; \
             write DIR/dev/serial/by-path/usb-0:2:1.0-port0, which stays with the USB port: plug the adapter in \
             there always\n{RIGHT}1 warning\n"
        )
    );
    let file = here.path().join("instruments.d/a.toml");
    let chosen = "dev/serial/by-path/usb-0:2:1.0-port0";
    fs::write(file, format!("{INSTRUMENT}[serial]\ndevice = \"{chosen}\"\n")).unwrap();
    assert_eq!(told(&here).0, format!("{RIGHT}0 warnings\n"));
}

#[test]
fn a_missing_folder_of_reports_is_told() {
    let folder = folder(free(9), "[tcp_client]\nconnect = \"10.0.0.5:4001\"\n");
    let file = folder.path().join("labwire.toml");
    let site = fs::read_to_string(&file).unwrap() + "[reconciliation]\nfolder = \"reports\"\n";
    fs::write(&file, site).unwrap();
    let warning = "warning: labwire.toml: the folder of the reports, DIR/reports, isn't there; create it\n";
    assert_eq!(told(&folder), (format!("{warning}{RIGHT}1 warning\n"), Exit::Done));
    fs::create_dir(folder.path().join("reports")).unwrap();
    assert_eq!(told(&folder).0, format!("{RIGHT}0 warnings\n"));
}

#[test]
fn a_port_in_use_is_told_unless_a_gateway_runs() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let folder = folder(free(6), &format!("[tcp_server]\nlisten = \"{address}\"\n"));
    let (text, exit) = told(&folder);
    assert!(
        text.starts_with(&format!("warning: instruments.d/a.toml: failed to listen on {address}: ")),
        "{text}"
    );
    assert_eq!(exit, Exit::Done);

    let _gateway = UnixListener::bind(folder.path().join("sock")).unwrap();
    assert_eq!(told(&folder).0, format!("{RIGHT}0 warnings\n"));
}

#[test]
fn a_journal_without_a_folder_or_without_room_is_told() {
    let folder = folder(free(7), "[tcp_client]\nconnect = \"10.0.0.5:4001\"\n");
    let file = folder.path().join("labwire.toml");
    let site = fs::read_to_string(&file).unwrap();
    fs::write(&file, site.replace("journal.db", "nowhere/journal.db")).unwrap();
    let obstacle = "labwire.toml: the journal's folder DIR/nowhere isn't there; create it\n";
    let verdict = "the configuration is right, and labwire can't start with it on this machine\n";
    assert_eq!(told(&folder), (format!("{obstacle}{verdict}"), Exit::Failed));

    let mebibytes = |count: u64| count * 1024 * 1024;
    assert_eq!(room(Path::new("/j"), mebibytes(16), mebibytes(16)), None);
    assert_eq!(
        room(Path::new("/j"), mebibytes(15), mebibytes(16)).unwrap().to_string(),
        "labwire.toml: 15 MiB are free in /j, less than reserve_mib; no transmission would be accepted"
    );
}

#[test]
fn what_is_there_and_closed_to_this_user_is_told_and_what_is_not_there_is_not() {
    let folder = folder(free(8), "[tcp_client]\nconnect = \"10.0.0.5:4001\"\n");
    let (settings, _) = Settings::load_for(folder.path(), Secrets::Unused).unwrap();
    let closed = |name: &str| {
        let shut = folder.path().join(name);
        let finding = rights::findings(&settings, |path, _| path != shut);
        finding.map(|it| it.to_string().replace(&folder.path().display().to_string(), "DIR"))
    };
    let names = ["journal.db", "journal.lock", "journal.epoch", "journal.db-wal", "journal.db-shm"];
    for name in names {
        assert_eq!(closed(name), None, "it will be made");
        fs::write(folder.path().join(name), "").unwrap();
        let told = format!("labwire.toml: this user may not write to DIR/{name}; run as the service's user");
        assert_eq!(closed(name), Some(told));
    }
    assert!(closed("").unwrap().contains("may not open a control socket in DIR;"));
    assert_eq!(closed("lims"), None);
}

/// A folder as [`folder`] makes it, with something more in `labwire.toml`.
fn with(own: u8, transport: &str, more: &str) -> TempDir {
    let folder = folder(free(own), transport);
    let file = folder.path().join("labwire.toml");
    let site = fs::read_to_string(&file).unwrap() + more;
    fs::write(&file, site).unwrap();
    folder
}

const CALLED: &str = "[tcp_client]\nconnect = \"10.0.0.5:4001\"\n";

#[test]
fn a_device_that_another_program_has_open_is_told_with_the_program() {
    let pc = crate::host::serial::tests::bench_pc();
    let device = pc.path().join("dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A1B2C3D4-if00-port0");
    let folder = folder(free(10), &format!("[serial]\ndevice = \"{}\"\n", device.display()));
    let told = || report(folder.path(), &Machine::at(pc.path())).text;
    let held = "is open in ModemManager (812), which reads what is meant for labwire; stop it";
    let runs = "ModemManager runs, and talks to serial adapters while analyzers do";
    assert!(told().contains(held) && told().contains(runs) && told().contains("2 warnings"), "{}", told());

    let rules = pc.path().join("usr/lib/udev/rules.d/90-labwire.rules");
    fs::create_dir_all(rules.parent().unwrap()).unwrap();
    fs::write(rules, "").unwrap();
    assert!(told().contains(held) && !told().contains(runs), "{}", told());

    fs::write(pc.path().join("proc/812/comm"), "labwire\n").unwrap();
    assert!(told().ends_with(&format!("{RIGHT}0 warnings\n")), "the gateway may have it: {}", told());
}

#[test]
fn a_lims_that_cannot_be_reached_is_told_and_one_that_can_gets_no_byte() {
    let listener = TcpListener::bind("127.77.77.11:0").unwrap();
    let address = listener.local_addr().unwrap();
    let more = format!("[destination.web]\nkind = \"mllp\"\nconnect = \"{address}\"\n");
    let here = with(11, CALLED, &more);
    let right = "the configuration is right: 1 instrument, 2 destinations, ";
    let (text, _) = told(&here);
    assert!(text.ends_with(&format!("{right}1 warning\n")) && text.contains("unencrypted"), "{text}");
    let (mut peer, _) = listener.accept().unwrap();
    let mut received = Vec::new();
    std::io::Read::read_to_end(&mut peer, &mut received).unwrap();
    assert_eq!(received, b"");

    drop(listener);
    let (text, exit) = told(&here);
    assert!(text.contains(&format!("[destination.web] can't be reached at {address}: ")), "{text}");
    assert!(text.contains("; results for it wait until it answers\n"), "{text}");
    assert_eq!(exit, Exit::Done, "labwire starts all the same");
}

#[test]
fn a_lims_that_speaks_no_tls_where_it_should_is_told() {
    let listener = TcpListener::bind("127.77.77.12:0").unwrap();
    let address = listener.local_addr().unwrap();
    let certificate = rcgen::generate_simple_self_signed(["lims.example".to_owned()]).unwrap().cert.pem();
    let more = format!("[destination.web]\nurl = \"https://{address}/\"\nca_file = \"ca.pem\"\n");
    let here = with(12, CALLED, &more);
    fs::write(here.path().join("ca.pem"), certificate).unwrap();
    crate::host::tls::install_provider();
    let answering = std::thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        peer.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        // It stays open until the other end has read that.
        let _ = std::io::Read::read_to_end(&mut peer, &mut Vec::new());
    });
    let (text, _) = told(&here);
    assert!(text.contains(&format!("[destination.web] can't be reached at {address}: ")), "{text}");
    answering.join().unwrap();
}

#[test]
fn a_folder_that_is_missing_or_open_to_others_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(free(13), CALLED);
    fs::remove_dir_all(folder.path().join("lims")).unwrap();
    let missing =
        "warning: labwire.toml: the folder of [destination.lims], DIR/lims, isn't there; create it\n";
    assert_eq!(told(&folder).0, format!("{missing}{RIGHT}1 warning\n"));
    fs::create_dir(folder.path().join("lims")).unwrap();

    fs::create_dir(folder.path().join("backups")).unwrap();
    let open = |mode| {
        fs::set_permissions(folder.path().join("backups"), fs::Permissions::from_mode(mode)).unwrap();
        told(&folder).0
    };
    let warning = "warning: labwire.toml: anyone on this machine can look into the folder of the backups, DIR/backups; chmod o= \
                   DIR/backups\n";
    assert_eq!(open(0o755), format!("{warning}{RIGHT}1 warning\n"));
    assert_eq!(open(0o750), format!("{RIGHT}0 warnings\n"));
}

#[test]
fn a_journal_is_looked_into_and_damage_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(free(14), CALLED);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let path = folder.path().join("journal.db");
    fs::write(&path, "no database\n").unwrap();
    fs::write(path.with_extension("epoch"), "that a journal of labwire stood here\n").unwrap();
    let (text, exit) = told(&folder);
    assert!(text.starts_with("warning: labwire.toml: DIR/journal.db couldn't be read through: "), "{text}");
    assert_eq!(exit, Exit::Done, "labwire puts it aside when it starts");

    fs::remove_file(path.with_extension("epoch")).unwrap();
    fs::remove_file(&path).unwrap();
    let journal = crate::journal::Journal::open(&path, 0, crate::clock::now()).unwrap();
    drop(journal);
    assert_eq!(told(&folder).0, format!("{RIGHT}0 warnings\n"));
}

/// An address of a network for documentation: no machine has it.
const FOREIGN: &str = "192.0.2.7:4001";

#[test]
fn an_address_that_this_machine_has_not_is_told_also_while_a_gateway_runs() {
    let transport = format!("[tcp_server]\nlisten = \"{FOREIGN}\"\n");
    let folder = folder(free(40), &transport);
    let told_of = |text: &str| {
        text.contains("instruments.d/a.toml: this machine has no address 192.0.2.7; write one that it has")
    };
    let (text, exit) = told(&folder);
    assert!(told_of(&text), "{text}");
    assert_eq!(exit, Exit::Done);
    let _gateway = UnixListener::bind(folder.path().join("sock")).unwrap();
    let (text, _) = told(&folder);
    assert!(told_of(&text), "{text}");
}

#[test]
fn a_reload_with_an_address_that_this_machine_has_not_is_refused_whoever_had_the_port() {
    let address = free(41);
    let transport = |listen: SocketAddr| format!("[tcp_server]\nlisten = \"{listen}\"\n");
    let running = folder(free(42), &transport(address));
    let other = SocketAddr::new("192.0.2.7".parse().unwrap(), address.port());
    let new = folder(free(43), &transport(other));
    let settings = |folder: &TempDir| Settings::load(folder.path()).unwrap().0;
    let (mut before, mut after) = (settings(&running), settings(&new));
    (after.journal, after.control_socket) = (before.journal.clone(), before.control_socket.clone());
    let found: Vec<String> = obstacles(&before, &after).iter().map(Finding::to_string).collect();
    assert_eq!(
        found,
        [
            "instruments.d/a.toml: this machine has no address 192.0.2.7; write one that it has, or 0.0.0.0 for all"
        ]
    );
    assert_eq!(to_be_said(&before, &after), None);
    before.site = "B".to_owned();
    assert!(
        to_be_said(&before, &after).unwrap().starts_with("the laboratory's name was \"B\" and is \"A\" now")
    );
}

#[test]
fn what_can_not_be_the_journal_is_an_error() {
    let made = |make: fn(&Path)| {
        let folder = folder(free(44), "[tcp_client]\nconnect = \"10.0.0.5:4001\"\n");
        make(&folder.path().join("journal.db"));
        told(&folder)
    };
    for make in [(|path| fs::create_dir(path).unwrap()) as fn(&Path), |path| {
        fs::write(path, "this is a letter and no database\n".repeat(99)).unwrap()
    }] {
        let (text, exit) = made(make);
        assert!(text.contains("labwire.toml: DIR/journal.db can't be the journal: "), "{text}");
        assert!(
            text.ends_with("the configuration is right, and labwire can't start with it on this machine\n"),
            "{text}"
        );
        assert_eq!(exit, Exit::Failed);
    }
    let (text, exit) =
        made(|path| drop(crate::journal::Journal::open(path, 0, crate::clock::now()).unwrap()));
    assert_eq!((exit, text.contains("journal.db")), (Exit::Done, false), "{text}");
}

#[test]
fn a_unit_that_stands_for_itself_is_asked_about_where_it_is_read_as_another() {
    let folder = folder(free(44), CALLED);
    let write = |units: &str| {
        let file = folder.path().join("instruments.d/a.toml");
        fs::write(file, format!("{INSTRUMENT}{CALLED}[units]\n{units}\n")).unwrap();
        told(&folder).0
    };
    // Kelvin would be one, and nothing comes in it.
    assert_eq!(write("\"K/uL\" = \"10*3/uL\"\n\"mmol/L\" = \"mmol/L\""), format!("{RIGHT}0 warnings\n"));
    let text = write("\"mg/dL\" = \"mmol/L\"");
    let warning =
        "warning: instruments.d/a.toml: [units] takes \"mg/dL\" for mmol/L, and it is a unit in which ";
    assert!(text.starts_with(warning) && text.ends_with("1 warning\n"), "{text}");
}

#[test]
fn rules_that_anybody_at_the_socket_may_put_in_force_are_told() {
    let folder = folder(free(45), CALLED);
    fs::create_dir(folder.path().join("rules.d")).unwrap();
    let rule = "[[demographics]]\nname = \"d\"\nsource = \"s\"\nrequired = [\"birth_date\"]\n";
    fs::write(folder.path().join("rules.d/a.toml"), rule).unwrap();
    let warning = "warning: labwire.toml: whoever may use the control socket may put rules in force";
    assert!(told(&folder).0.contains(warning));
    let file = folder.path().join("labwire.toml");
    let site = fs::read_to_string(&file).unwrap() + "[rules]\nsigners = [\"director\"]\n";
    fs::write(&file, site).unwrap();
    assert!(!told(&folder).0.contains(warning));
}

#[test]
fn a_clock_that_nothing_tells_of_has_no_limit() {
    let folder = folder(free(46), CALLED);
    let text = "profile = \"beckman-access-2\"\ntime_zone = \"UTC\"\nclock_limit_mins = 15\n[folder]\nfolder = \"x\"\nafter = \"leave\"\n";
    fs::write(folder.path().join("instruments.d/a.toml"), text).unwrap();
    let (text, exit) = told(&folder);
    assert!(text.contains("a file doesn't say when it was sent"), "{text}");
    assert_eq!(exit, Exit::Configuration);
}

/// A server that greets, answers each line by its first word, and tells what it was sent.
fn scripted(
    own: u8,
    greeting: &'static str,
    answers: &'static [(&'static str, &'static str)],
) -> (SocketAddr, std::thread::JoinHandle<Vec<String>>) {
    use std::io::{BufRead, BufReader};
    let listener = TcpListener::bind(SocketAddr::from(([127, 77, 77, own], 0))).unwrap();
    let address = listener.local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        peer.write_all(greeting.as_bytes()).unwrap();
        let mut lines = Vec::new();
        for line in BufReader::new(peer.try_clone().unwrap()).lines() {
            let Ok(line) = line else { break };
            let answer =
                answers.iter().find(|(word, _)| line.starts_with(word)).map_or("500 what?\r\n", |it| it.1);
            lines.push(line);
            if peer.write_all(answer.as_bytes()).is_err() {
                break;
            }
        }
        lines
    });
    (address, serving)
}

#[test]
fn a_server_of_files_that_refuses_the_login_is_told_and_nothing_is_touched() {
    let answers = [("USER", "331 and?\r\n"), ("PASS", "530 Müller may not\r\n"), ("QUIT", "221 bye\r\n")];
    let (address, serving) = scripted(47, "220 here\r\n", Box::leak(Box::new(answers)));
    let here = folder(free(47), CALLED);
    fs::write(here.path().join("password"), "invented\n").unwrap();
    let file = format!(
        "profile = \"beckman-access-2\"\ntime_zone = \"UTC\"\n[ftp]\nhost = \"{}\"\nport = {}\ntls = \"none\"\n\
         user = \"labwire\"\npassword_file = \"password\"\nafter = \"leave\"\n",
        address.ip(),
        address.port()
    );
    fs::write(here.path().join("instruments.d/a.toml"), file).unwrap();
    let (text, exit) = told(&here);
    let warning = format!(
        "warning: instruments.d/a.toml: [ftp] can't be reached at {address}: the server refused the login (530); see to user and \
         password, and whether it wants TLS; no file is fetched until it can be\n"
    );
    assert!(text.contains(&warning) && !text.contains("Müller"), "{text}");
    assert_eq!(exit, Exit::Done);
    let sent: Vec<String> = serving.join().unwrap();
    assert!(
        sent.iter().all(|it| ["USER", "PASS", "QUIT"].iter().any(|word| it.starts_with(word))),
        "{sent:?}"
    );
}

#[test]
fn a_mail_server_is_logged_in_to_and_gets_no_mail() {
    const GREETING: &str = "220 mail\r\n";
    let refusing =
        [("EHLO", "250-mail\r\n250 AUTH PLAIN\r\n"), ("AUTH", "535 no\r\n"), ("QUIT", "221 bye\r\n")];
    let admitting = [
        ("EHLO", "250-mail\r\n250 AUTH PLAIN\r\n"),
        ("AUTH", "235 yes\r\n"),
        ("NOOP", "250 yes\r\n"),
        ("QUIT", "221 bye\r\n"),
    ];
    let checked = |own: u8, (address, serving): (SocketAddr, std::thread::JoinHandle<Vec<String>>)| {
        let more = format!(
            "[alerts.email]\nserver = \"{}\"\nport = {}\ntls = \"none\"\nuser = \"labwire\"\npassword_file = \"password\"\n\
             from = \"labwire@lab.example\"\nto = [\"it@lab.example\"]\n",
            address.ip(),
            address.port()
        );
        let here = folder(free(own), CALLED);
        fs::write(here.path().join("password"), "invented\n").unwrap();
        let file = here.path().join("labwire.toml");
        fs::write(&file, fs::read_to_string(&file).unwrap() + &more).unwrap();
        let (text, _) = told(&here);
        let sent = serving.join().unwrap();
        assert!(!sent.iter().any(|it| it.starts_with("MAIL") || it.starts_with("DATA")), "{sent:?}");
        (text.contains(&format!("[alerts.email] can't be reached at {address}: the answer is 535; ")), sent)
    };
    let (refused, _) = checked(48, scripted(48, GREETING, Box::leak(Box::new(refusing))));
    assert!(refused);
    let (refused, sent) = checked(49, scripted(49, GREETING, Box::leak(Box::new(admitting))));
    assert!(!refused && sent.iter().any(|it| it.starts_with("AUTH")), "{sent:?}");
}

#[test]
fn a_lims_that_knows_patients_history_is_tried_without_a_patient() {
    crate::host::tls::install_provider();
    let address = free(50);
    let more = format!("[history]\nurl = \"http://{address}/values?patient={{patient}}\"\n");
    let (text, _) = told(&with(50, CALLED, &more));
    assert!(
        text.contains(&format!("warning: labwire.toml: [history] can't be reached at {address}: ")),
        "{text}"
    );

    let listener = TcpListener::bind(address).unwrap();
    let (text, _) = told(&with(50, CALLED, &more));
    assert!(!text.contains("can't be reached"), "{text}");
    let (mut peer, _) = listener.accept().unwrap();
    let mut received = Vec::new();
    std::io::Read::read_to_end(&mut peer, &mut received).unwrap();
    assert_eq!(received, b"");
}

/// A self-signed certificate from and until so many days from today, and its key.
fn certificate(from: i64, until: i64) -> (String, String) {
    let mut parameters = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let date = |days: i64| {
        let day =
            (clock::now() + jiff::SignedDuration::from_hours(24 * days)).to_zoned(jiff::tz::TimeZone::UTC);
        rcgen::date_time_ymd(day.year().into(), day.month().unsigned_abs(), day.day().unsigned_abs())
    };
    (parameters.not_before, parameters.not_after) = (date(from), date(until));
    let key = rcgen::KeyPair::generate().unwrap();
    (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn our_own_certificates_are_looked_at() {
    crate::host::tls::install_provider();
    let address = free(51);
    let more = format!(
        "[destination.web]\nurl = \"https://{address}/\"\ncertificate_file = \"a.pem\"\nkey_file = \"a.key\"\n"
    );
    let here = with(51, CALLED, &more);
    let keep = |certificate: &str, key: &str| {
        fs::write(here.path().join("a.pem"), certificate).unwrap();
        fs::write(here.path().join("a.key"), key).unwrap();
        told(&here)
    };
    let own = "warning: labwire.toml: [destination.web]: our certificate ";
    for (from, until, expected) in [
        (-9, -3, Some("ended on ")),
        (3, 90, Some("isn't valid before ")),
        (-9, 12, Some("ends on ")),
        (-9, 90, None),
    ] {
        let (pem, key) = certificate(from, until);
        let (text, exit) = keep(&pem, &key);
        match expected {
            Some(expected) => assert!(text.contains(&format!("{own}{expected}")), "{text}"),
            None => assert!(!text.contains("our certificate"), "{text}"),
        }
        assert_eq!(exit, Exit::Done);
    }
    let (text, exit) = keep(&certificate(-9, 90).0, &certificate(-9, 90).1);
    assert!(
        text.starts_with("labwire.toml: [destination.web]: failed to use its certificates or the key: "),
        "{text}"
    );
    assert_eq!(exit, Exit::Configuration);
}

#[test]
fn a_lims_that_does_not_take_our_certificate_is_told() {
    use crate::config::settings::TlsServerSettings;
    use crate::domain::Private;
    crate::host::tls::install_provider();
    let (theirs, ours, other) = (certificate(-9, 90), certificate(-9, 90), certificate(-9, 90));
    let checked = |own: u8, trusted: &str| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = crate::host::tls::Acceptor::new(&TlsServerSettings {
            certificate_pem: theirs.0.clone().into(),
            key_pem: Private::new(theirs.1.clone().into()),
            client_ca_pem: Some(trusted.as_bytes().to_vec()),
        });
        let acceptor = acceptor.unwrap();
        let serving = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let (peer, _) = listener.accept().await.unwrap();
                let Ok(mut stream) = acceptor.accept(peer).await else { return Vec::new() };
                let mut received = Vec::new();
                let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut received).await;
                received
            })
        });
        let more = format!(
            "[destination.web]\nkind = \"mllp\"\nconnect = \"{address}\"\n[destination.web.tls]\nca_file = \"ca.pem\"\n\
             certificate_file = \"a.pem\"\nkey_file = \"a.key\"\n"
        );
        let here = with(own, CALLED, &more);
        for (name, text) in [("ca.pem", &theirs.0), ("a.pem", &ours.0), ("a.key", &ours.1)] {
            fs::write(here.path().join(name), text).unwrap();
        }
        let (text, _) = told(&here);
        assert_eq!(serving.join().unwrap(), b"", "no byte of a message");
        text
    };
    let refused = "[destination.web] can't be reached at ";
    let text = checked(52, &other.0);
    assert!(text.contains(refused), "{text}");
    let text = checked(53, &ours.0);
    assert!(!text.contains(refused), "{text}");
}
