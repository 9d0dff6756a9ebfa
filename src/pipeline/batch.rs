//! Whether a batch says as many messages as came. A block is cut into its messages before they are read, so the message that
//! closes a batch is compared with those before it. Pure.

use labwire_hl7::message::Message;

/// What one message carries of the batch that it came in.
struct Marks {
    opens_file: bool,
    opens_batch: bool,
    messages: usize,
    /// BTS-1 and FTS-1, where those segments are there.
    batch_says: Option<String>,
    file_says: Option<String>,
}

impl Marks {
    fn of(message: &[u8]) -> Option<Marks> {
        let message = Message::parse(message).ok()?;
        let says = |name| {
            let trailer = message.named(name).next()?;
            Some(trailer.field(1).text().text.trim().to_owned())
        };
        Some(Marks {
            opens_file: message.named(b"FHS").next().is_some(),
            opens_batch: message.named(b"BHS").next().is_some(),
            messages: message.named(b"MSH").count(),
            batch_says: says(b"BTS"),
            file_says: says(b"FTS"),
        })
    }
}

/// What the trailers in a message count wrongly, in words. `before` gives the messages before it, one by one, the last
/// first; it is asked only where there is a trailer that counts, and not beyond the header that belongs to it.
pub(super) fn miscounts(message: &[u8], mut before: impl FnMut() -> Option<Vec<u8>>) -> Vec<String> {
    let Some(last) = Marks::of(message) else { return Vec::new() };
    let batch_says = last.batch_says.clone().filter(|says| !says.is_empty());
    let file_says = last.file_says.clone().filter(|says| !says.is_empty());
    let (mut messages, mut batches) = (0, 0);
    let (mut counted_messages, mut counted_batches) = (None, None);
    let mut next = Some(last);
    while let Some(marks) = next {
        messages += marks.messages;
        batches += usize::from(marks.opens_batch);
        if marks.opens_batch {
            counted_messages = counted_messages.or(Some(messages));
        }
        if marks.opens_file {
            counted_batches = Some(batches);
        }
        let wants_more = (batch_says.is_some() && counted_messages.is_none())
            || (file_says.is_some() && counted_batches.is_none());
        next = wants_more.then(&mut before).flatten().and_then(|earlier| Marks::of(&earlier));
    }
    let compare = |segment: &str, says: Option<String>, came: Option<usize>, what: &str| {
        let (says, came) = (says?, came?);
        (says.parse() != Ok(came)).then(|| format!("{segment}-1 says {says:?}; {what} that came: {came}"))
    };
    let of_batch = compare("BTS", batch_says, counted_messages, "messages of its batch");
    of_batch.into_iter().chain(compare("FTS", file_says, counted_batches, "batches of its file")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(messages: &[&str]) -> Vec<String> {
        let (last, earlier) = messages.split_last().unwrap();
        let mut earlier = earlier.iter().rev();
        miscounts(last.as_bytes(), || earlier.next().map(|it| it.as_bytes().to_vec()))
    }

    #[test]
    fn a_trailer_that_counts_other_than_came_is_named_with_both_numbers() {
        const FIRST: &str = "BHS|^~\\&\rMSH|^~\\&|\rOBX|1\r";
        let last = |trailers: &str| format!("MSH|^~\\&|\rOBX|1\r{trailers}");
        let none: [&str; 0] = [];
        assert_eq!(told(&[FIRST, &last("BTS|2\r")]), none);
        assert_eq!(
            told(&[FIRST, &last("BTS|5\r")]),
            ["BTS-1 says \"5\"; messages of its batch that came: 2"]
        );
        assert_eq!(
            told(&[FIRST, &last("BTS|x\r")]),
            ["BTS-1 says \"x\"; messages of its batch that came: 2"]
        );
        assert_eq!(told(&[FIRST, &last("BTS\r")]), none);
        assert_eq!(told(&["MSH|^~\\&|\r", &last("BTS|5\r")]), none, "nothing says where it began");
        assert_eq!(
            told(&["BHS|^~\\&\rMSH|^~\\&|\rBTS|2\r"]),
            ["BTS-1 says \"2\"; messages of its batch that came: 1"]
        );
    }

    #[test]
    fn a_file_counts_its_batches() {
        const ONE: &str = "FHS|^~\\&\rBHS|^~\\&\rMSH|^~\\&|\rBTS|1\r";
        let two = |count: &str| format!("BHS|^~\\&\rMSH|^~\\&|\rBTS|1\rFTS|{count}\r");
        assert_eq!(told(&[ONE, &two("2")]), [""; 0]);
        assert_eq!(told(&[ONE, &two("3")]), ["FTS-1 says \"3\"; batches of its file that came: 2"]);
    }
}
