//! The signs beside words. Drawn as strokes on a 24 × 24 grid; never alone where meaning hangs on them.

use leptos::prelude::*;

/// Which sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Alert,
    Arrow,
    Back,
    Calendar,
    Card,
    Check,
    Clock,
    Close,
    Eye,
    EyeShut,
    Info,
    Minus,
    Moon,
    Person,
    Pin,
    Plus,
    Print,
    Qr,
    Shield,
    Sun,
    Ticket,
    Unplugged,
    Whole,
}

impl Sign {
    const fn strokes(self) -> &'static str {
        match self {
            Self::Alert => "M12 4 2.8 19.5h18.4L12 4ZM12 10v4.5M12 17v.1",
            Self::Arrow => "M5 12h14M13 6l6 6-6 6",
            Self::Back => "M19 12H5M11 6l-6 6 6 6",
            Self::Calendar => "M4 6.5h16v13H4zM4 10.5h16M8 4v4M16 4v4",
            Self::Card => "M3 6h18v12H3zM3 10h18M6.5 14.5h4",
            Self::Check => "m5 12.5 4.5 4.5L19 7.5",
            Self::Clock => "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 7.5V12l3 2",
            Self::Close => "M6 6l12 12M18 6 6 18",
            Self::Eye => {
                "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z"
            }
            Self::EyeShut => {
                "M4 4l16 16M9.5 5.9A9.6 9.6 0 0 1 12 5.5c6 0 9.5 6.5 9.5 6.5a17 17 0 0 1-3 3.7M6 7.6A16.6 16.6 0 0 0 2.5 12S6 18.5 12 18.5a9.5 9.5 0 0 0 4-.9"
            }
            Self::Info => "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 11v5M12 8v.1",
            Self::Minus => "M5 12h14",
            Self::Moon => "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z",
            Self::Person => {
                "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4.5 20c.7-3.7 3.7-5.8 7.5-5.8s6.8 2.1 7.5 5.8"
            }
            Self::Pin => {
                "M12 21s6.5-6.2 6.5-11a6.5 6.5 0 1 0-13 0c0 4.8 6.5 11 6.5 11ZM12 7.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4Z"
            }
            Self::Plus => "M5 12h14M12 5v14",
            Self::Qr => {
                "M4.5 4.5h5v5h-5zM14.5 4.5h5v5h-5zM4.5 14.5h5v5h-5zM14.5 14.5h2v2M19.5 14.5v2M14.5 19.5h2M19 19.5h.5"
            }
            Self::Print => "M7 9V4h10v5M7 17H4V9h16v8h-3M7 14h10v6H7z",
            Self::Shield => {
                "M12 3.5 5 6v5.5c0 4.3 2.9 7.4 7 9 4.1-1.6 7-4.7 7-9V6l-7-2.5ZM9 12l2.2 2.2L15 10.4"
            }
            Self::Sun => {
                "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4"
            }
            Self::Ticket => {
                "M3.5 7h17v3.2a1.8 1.8 0 0 0 0 3.6V17h-17v-3.2a1.8 1.8 0 0 0 0-3.6V7ZM14.5 7v2M14.5 11v2M14.5 15v2"
            }
            Self::Whole => "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
            Self::Unplugged => {
                "M4 4l16 16M8.5 15.5a5 5 0 0 1 7 0M5 12a10 10 0 0 1 4.5-2.6M14 9.3a10 10 0 0 1 5 2.7M2 8.5a15 15 0 0 1 4.6-3M11 4a15 15 0 0 1 11 4.5M12 19v.1"
            }
        }
    }
}

/// A sign, hidden from screen readers: the words beside it say the same.
#[component]
pub(crate) fn Icon(sign: Sign) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d=sign.strokes()/>
        </svg>
    }
}

/// The mark: a ticket stub with two half-round bites.
#[component]
pub(crate) fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 40 28" aria-hidden="true" focusable="false">
            <path class="mark__stub" d="M5 0h18a4 4 0 0 0 8 0h4a5 5 0 0 1 5 5v18a5 5 0 0 1-5 5h-4a4 4 0 0 0-8 0H5a5 5 0 0 1-5-5V5a5 5 0 0 1 5-5Z"/>
            <path class="mark__tear" d="M27 8v2.5M27 12.8v2.5M27 17.5V20"/>
        </svg>
    }
}
