//! Bars, as an SVG that is readable on light and on dark.

use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
const LABELS: f64 = 140.0;
/// For the number behind the longest bar.
const NUMBERS: f64 = 170.0;
const BAR: f64 = 16.0;
const STEP: f64 = 24.0;
const TOP: f64 = 52.0;

/// A bar with its name.
#[derive(Debug, Clone)]
pub(super) struct Bar {
    pub(super) name: String,
    /// Nothing where there is only a note to show.
    pub(super) value: Option<f64>,
    /// One of ours.
    pub(super) ours: bool,
    /// What stands behind the number.
    pub(super) note: String,
}

/// Draws bars, longest last, on a logarithmic scale that begins at the smallest.
///
/// A linear scale would show nothing but the slowest: they differ by factors of a hundred.
pub(super) fn bars(title: &str, unit: &str, mut bars: Vec<Bar>) -> String {
    let place = |bar: &Bar| bar.value.unwrap_or(f64::INFINITY);
    bars.sort_by(|one, other| place(one).total_cmp(&place(other)));
    let count = u32::try_from(bars.len()).map_or(0.0, f64::from);
    let height = TOP + count * STEP + 28.0;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" \
         width=\"{WIDTH}\" height=\"{height:.0}\" role=\"img\" aria-label=\"{title}\">\n\
         <style>\n\
         text {{ font: 13px system-ui, sans-serif; fill: #24292f; }}\n\
         .title {{ font-weight: 600; font-size: 15px; }}\n\
         .quiet {{ fill: #57606a; }}\n\
         .other {{ fill: #8c959f; }}\n\
         .ours {{ fill: #0969da; }}\n\
         @media (prefers-color-scheme: dark) {{\n\
         text {{ fill: #e6edf3; }} .quiet {{ fill: #9198a1; }} .ours {{ fill: #4493f8; }}\n\
         }}\n\
         </style>\n\
         <text class=\"title\" x=\"8\" y=\"20\">{}</text>\n\
         <text class=\"quiet\" x=\"8\" y=\"38\">{}; shorter is better, logarithmic</text>\n",
        escaped(title),
        escaped(unit),
    );
    let values = || bars.iter().filter_map(|bar| bar.value);
    let (least, most) = (values().next().unwrap_or(1.0), values().next_back().unwrap_or(1.0));
    let room = WIDTH - LABELS - NUMBERS;
    let mut at = TOP;
    for bar in &bars {
        let length = bar.value.map_or(0.0, |value| length(value, least, most) * room);
        let kind = if bar.ours { "ours" } else { "other" };
        let middle = at + BAR * 0.78;
        let _ = write!(
            text,
            "<text x=\"{:.0}\" y=\"{middle:.0}\" text-anchor=\"end\">{}</text>\n\
             <rect class=\"{kind}\" x=\"{LABELS}\" y=\"{at:.0}\" width=\"{length:.1}\" \
             height=\"{BAR}\" rx=\"2\"/>\n\
             <text class=\"quiet\" x=\"{:.1}\" y=\"{middle:.0}\">{}</text>\n",
            LABELS - 8.0,
            escaped(&bar.name),
            LABELS + length + 6.0,
            escaped(&bar.note),
        );
        at += STEP;
    }
    text.push_str("</svg>\n");
    text
}

/// How long a bar is, of the whole room.
fn length(value: f64, least: f64, most: f64) -> f64 {
    const SHORTEST: f64 = 0.04;
    if most <= least {
        return 1.0;
    }
    SHORTEST + (1.0 - SHORTEST) * (value / least).ln() / (most / least).ln()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, value: f64) -> Bar {
        Bar {
            name: name.into(),
            value: Some(value),
            ours: name == "ours",
            note: format!("{value:.1}"),
        }
    }

    #[test]
    fn the_shortest_is_first_and_the_longest_fills_the_room() {
        let failed = Bar { value: None, ..bar("failed", 0.0) };
        let text = bars("A <title>", "ms", vec![failed, bar("slow", 100.0), bar("ours", 1.0)]);
        let place = |what: &str| text.find(what).expect("it is drawn");
        assert!(place(">ours<") < place(">slow<") && place(">slow<") < place(">failed<"));
        assert!(text.contains("A &lt;title&gt;") && text.contains("class=\"ours\""));
        assert!(text.contains(&format!("width=\"{:.1}\"", WIDTH - LABELS - NUMBERS)));
    }

    #[test]
    fn a_factor_is_a_length_wherever_it_is() {
        let step = length(10.0, 1.0, 100.0) - length(1.0, 1.0, 100.0);
        let other = length(100.0, 1.0, 100.0) - length(10.0, 1.0, 100.0);
        assert!((step - other).abs() < 1e-9);
        assert!((length(5.0, 5.0, 5.0) - 1.0).abs() < 1e-9);
    }
}
