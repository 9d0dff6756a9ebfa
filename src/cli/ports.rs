//! `labwire ports`: the serial devices of this machine, by which name to write each, and who has it open. It opens none.

use std::io::{self, Write};

use super::Outcome;
use crate::exit::Exit;
use crate::host::serial::{Holder, Machine, Port, Usb};

pub(super) fn run(machine: &Machine, out: &mut impl Write) -> Outcome {
    let found = machine.ports();
    if found.ports.is_empty() {
        writeln!(out, "No serial device is there.")?;
    }
    found.ports.iter().try_for_each(|port| tell(port, out))?;
    for Usb { id, product, serial } in &found.grabbed {
        let name = [product.as_str(), serial].join(" ");
        writeln!(
            out,
            "The adapter {id} {} has no device: a program drives it, mostly brltty, which takes it for a Braille display; \
             remove brltty, or install 90-labwire.rules, and plug the adapter in again.",
            name.trim()
        )?;
    }
    if !found.saw_all {
        writeln!(
            out,
            "Programs of other users weren't looked into; as root, all who hold a device are told."
        )?;
    }
    Ok(Exit::Done)
}

fn tell(port: &Port, out: &mut impl Write) -> io::Result<()> {
    let Port { device, driver, by_id, by_path, usb, holders } = port;
    write!(out, "{}", device.display())?;
    if !driver.is_empty() {
        write!(out, "  {driver}")?;
    }
    if let Some(Usb { id, product, serial }) = usb {
        write!(out, "  {id} {product}")?;
        write!(out, "{}", if serial.is_empty() { ", no serial number" } else { "" })?;
    }
    writeln!(out)?;
    match (by_id.as_slice(), by_path.as_slice()) {
        ([], []) => {}
        ([], places) => {
            let at = "    of this USB port";
            places.iter().try_for_each(|name| writeln!(out, "{at}  device = \"{}\"", name.display()))?;
        }
        (names, places) => {
            names.iter().try_for_each(|name| writeln!(out, "    write  device = \"{}\"", name.display()))?;
            places
                .iter()
                .try_for_each(|name| writeln!(out, "    by its USB port  \"{}\"", name.display()))?;
        }
    }
    for Holder { pid, name } in holders {
        writeln!(out, "    held by {name} ({pid})")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::serial::tests::{bench_pc, tree};

    fn told(root: &std::path::Path) -> String {
        let mut out = Vec::new();
        assert_eq!(run(&Machine::at(root), &mut out).unwrap(), Exit::Done);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_port_is_told_with_what_to_write_and_who_holds_it() {
        let expected = "/dev/ttyS0  serial\n\
             /dev/ttyUSB0  ftdi_sio  0403:6001 FT232R USB UART\n    \
             write  device = \"/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A1B2C3D4-if00-port0\"\n    \
             by its USB port  \"/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0\"\n    \
             held by ModemManager (812)\n";
        assert_eq!(told(bench_pc().path()), expected);
        assert_eq!(told(tree(&[], &[]).path()), "No serial device is there.\n");
    }
}
