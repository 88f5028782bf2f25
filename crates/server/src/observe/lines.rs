//! How a line of the log looks: as `tracing-subscriber` writes it, and in it the request and the
//! trace that it was written for.

use crate::trace::with_current;
use std::fmt;
use tracing::{Event, Subscriber};
use tracing_subscriber::field::{MakeVisitor as _, RecordFields, VisitFmt as _, VisitOutput as _};
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The fields of a line for people: its own, then the request's.
#[derive(Debug, Default)]
pub(super) struct TextFields(DefaultFields);

impl<'writer> FormatFields<'writer> for TextFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut visitor = self.0.make_visitor(writer);
        fields.record(&mut visitor);
        with_current(|context| match context {
            Some(context) => {
                let (request, trace) = (context.request(), context.trace());
                write!(visitor.writer(), " request_id={request} trace_id={trace}")
            }
            None => Ok(()),
        })?;
        visitor.finish()
    }
}

/// One object a line, with the request's two members at its end.
#[derive(Debug)]
pub(super) struct JsonLines<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for JsonLines<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        with_current(|request| {
            let Some(request) = request else {
                return self.0.format_event(context, writer.by_ref(), event);
            };
            let mut line = String::new();
            self.0
                .format_event(context, Writer::new(&mut line), event)?;
            // Both are hexadecimal digits: nothing in them needs escaping.
            match line.trim_end().strip_suffix('}') {
                Some(open) => writeln!(
                    writer,
                    "{open},\"request_id\":\"{}\",\"trace_id\":\"{}\"}}",
                    request.request(),
                    request.trace()
                ),
                None => writer.write_str(&line),
            }
        })
    }
}
