//! What a reader finds wrong in one file's text, by byte span. Turning spans into lines is [`super::finding`]'s job.

use std::cell::RefCell;
use std::ops::Range;

use super::secret::Secrets;
use super::survey::Place;

/// One mistake: where it stands and, in one line, what it is and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Byte offsets into the file's text.
    pub span: Range<usize>,
    pub message: String,
}

impl Complaint {
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Complaint {
        Complaint { span, message: message.into() }
    }
}

/// Collects what the readers of one file have to say, in the order in which they say it.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    errors: RefCell<Vec<Complaint>>,
    warnings: RefCell<Vec<Complaint>>,
    /// The file as a whole, where it is to be noted what readers ask for.
    pub(super) survey: Place,
    /// What the readers want with secrets.
    pub(super) secrets: Secrets,
}

impl Remarks {
    /// Of readers that want this with secrets.
    pub(super) fn about(secrets: Secrets) -> Remarks {
        Remarks { secrets, ..Remarks::default() }
    }

    /// Remarks beside which it is noted what the readers ask for.
    pub(super) fn surveying(survey: &Place) -> Remarks {
        Remarks { survey: survey.clone(), ..Remarks::default() }
    }

    /// The file can't be used as it is.
    pub(super) fn error(&self, span: Range<usize>, message: impl Into<String>) {
        self.errors.borrow_mut().push(Complaint::new(span, message));
    }

    /// The file can be used, and somebody should look at this.
    pub(super) fn warning(&self, span: Range<usize>, message: impl Into<String>) {
        self.warnings.borrow_mut().push(Complaint::new(span, message));
    }

    /// How many errors there are up to now.
    pub(super) fn count(&self) -> usize {
        self.errors.borrow().len()
    }

    /// The errors, then the warnings.
    pub(super) fn into_parts(self) -> (Vec<Complaint>, Vec<Complaint>) {
        (self.errors.into_inner(), self.warnings.into_inner())
    }
}
