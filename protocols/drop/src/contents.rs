//! What a file holds, as far as it takes to cut it. What the cells and fields mean is a profile's to say.

/// The longest message in a file, in bytes, unless set otherwise.
pub const LONGEST_MESSAGE: u64 = 16 * 1024 * 1024;
/// The longest part of rows, in bytes, unless set otherwise.
pub const LONGEST_ROWS: u64 = 256 * 1024;
/// The most rows of a part, unless set otherwise.
pub const MOST_ROWS: u64 = 1_000;
/// The longest workbook, in bytes, unless set otherwise.
pub const LONGEST_WORKBOOK: u64 = 8 * 1024 * 1024;
/// The longest head before the rows, in bytes.
pub const LONGEST_HEAD: u64 = 256 * 1024;

/// What kind of file it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// ASTM records: each message ends with its L record.
    Astm { longest: u64 },
    /// HL7 v2: each MSH begins a message, alone or in the envelope of a batch.
    Hl7 { longest: u64, ending: Ending },
    /// Delimited or fixed-width text, one row a line but for line ends in quotes.
    Rows(Rows),
    /// An XLSX workbook, which is one part.
    Workbook { longest: u64 },
}

/// A table as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// What stands between two cells; `None` where cells are told apart by position. ASCII.
    pub delimiter: Option<u8>,
    /// What a cell stands in that holds delimiters or line ends. It counts at the start of a cell only, as the `csv`
    /// crate reads it, and is written twice within. ASCII.
    pub quote: Option<u8>,
    /// A row that begins with this is a comment, in which quotes mean nothing. ASCII, and not empty.
    pub comment: Option<String>,
    pub head: Head,
    pub units: Units,
    pub ending: Ending,
    /// The longest part and thereby the longest row, in bytes.
    pub longest: u64,
    /// The most rows of a part, blank ones and comments counted: what is made of a part is held in memory at once.
    pub most: u64,
}

/// The rows that each part needs beside its own to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// So many rows, blank ones and comments counted; 0 where there is no head.
    Rows(u32),
    /// Everything up to the first row that is neither blank nor a comment, that row, and so many rows after it.
    First { more: u32 },
    /// Everything up to the first row that begins with this text, that row, and so many rows after it.
    Through { begins: String, more: u32 },
}

/// How wide a character's units are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Units {
    /// As the byte order mark says; bytes where there is none.
    Marked,
    Bytes,
    Utf16Le,
    Utf16Be,
}

/// How a file shows that its last line is there in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// By the end of that line.
    Line,
    /// It doesn't: the last line may lack its end, and nothing tells it from one that was cut.
    Open,
    /// By a row of its own.
    Trailer(Trailer),
    /// By the segment that closes a batch or a file of HL7, behind which nothing comes.
    Envelope,
}

/// The row that closes a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer {
    /// How it begins. ASCII, and not empty.
    pub begins: String,
    /// The cell, from 1, that says how many rows there are, head, blank rows, comments and the trailer left out.
    pub count_at: Option<usize>,
    /// Its line may lack its end.
    pub is_open: bool,
}
