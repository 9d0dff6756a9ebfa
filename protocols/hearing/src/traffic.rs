//! What analyzers typically say, as far as it matters for the bits on a line: invented, and of nobody.

/// A kind of talk.
pub(crate) struct Talk {
    pub(crate) bytes: Vec<u8>,
    /// How often, in a thousand transmissions, about.
    pub(crate) share: u32,
    pauses: Pauses,
}

#[derive(Clone, Copy)]
enum Pauses {
    None,
    /// As of a slow processor.
    Short,
    /// So long that no port takes two characters for one, however slow it is.
    Long,
}

impl Talk {
    /// The silence after a character, in bits.
    pub(crate) fn pause(&self, place: usize) -> u32 {
        match self.pauses {
            Pauses::None => 0,
            // Of every length, in no order that matters.
            Pauses::Short => (place as u32 * 7 + 5) % 25,
            Pauses::Long => 1500,
        }
    }
}

const ASTM: &str = "1H|\\^&|||ABC^1.0|||||||P|LIS2-A2|20260102030405\r\x0315\r\n\x022P|1||PID12345||Doe^Jane||19800706|F\r\x035D\r\n\
    \x023O|1|SID0012345^0001^7||^^^GLU|R|20260102||||||||Serum\r\x03B2\r\n\x024R|1|^^^GLU^1.0|5.86|mmol/L|3.90 to 6.10|N||F||sys|20260102093801\r\
    \x17E4\r\n\x025R|2|^^^K|4.7|mmol/L|3.5 - 5.1|H||F\r\x03A9\r\n\x026L|1|N\r\x030F\r\n";
const HL7: &str = "\x0bMSH|^~\\&|ABC|Lab|LIS|Host|20260102030405||ORU^R01|1234|P|2.5.1||||AL\rPID|1||PID12345||Doe^Jane||19800706|F\r\
    OBR|1|SID0012345||GLU^Glucose^L|||20260102093801\rOBX|1|NM|GLU^Glucose^L||5.86|mmol/L|3.90-6.10|N|||F\r\
    OBX|2|NM|K^Potassium^L||4.7|mmol/L|3.5-5.1|H|||F\r\x1c\r";
const PRINTED: &str = "        Example Laboratory      02/01/2026 09:38\r\n Sample No. 0012345   Name: Doe, Jane\r\n\
     WBC    7.41  10^9/L    RBC   4.86 10*12/L\r\n HGB   13.9 g/dL   HCT  41.2 %   PLT  245\r\n----------------------------\r\n\x0c";

/// Everything that is foreseen.
pub(crate) fn talks() -> Vec<Talk> {
    let mut talks = vec![Talk { bytes: b"\x05\x04\x05".to_vec(), share: 400, pauses: Pauses::Long }];
    for (start, text, share) in [("\x05\x02", ASTM, 300), ("", HL7, 150), ("", PRINTED, 150)] {
        // Whatever letter else may come, it isn't impossible.
        let any: String = (' '..='~').collect();
        let bytes = format!("{start}{text}{any}").into_bytes();
        for pauses in [Pauses::None, Pauses::Short] {
            talks.push(Talk { bytes: bytes.clone(), share: share / 2, pauses });
        }
    }
    talks
}
