//! Charts, drawn here as SVG: text in the page, with a title on each bar, colours of the style sheet, and their numbers
//! in a table beneath. No script takes part.

use std::fmt::Write as _;

use super::markup::{Escaped, Markup};
use super::words::grouped;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 150.0;
/// Room for the numbers at the left and the times beneath.
const LEFT: f64 = 40.0;
const BOTTOM: f64 = 18.0;
const TOP: f64 = 8.0;
const SPARK_WIDTH: f64 = 96.0;
const SPARK_HEIGHT: f64 = 22.0;
/// Lines across, besides the ground.
const LINES: u64 = 2;
const SHARE_HEIGHT: f64 = 20.0;

/// A part of a bar: how it is coloured, what it counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Series {
    pub(super) tone: &'static str,
    pub(super) name: &'static str,
}

/// A bar: what it is of, where a click on it leads, and a number for each series.
#[derive(Debug, Clone)]
pub(super) struct Bar {
    pub(super) label: String,
    /// Beneath the bar, where there is room.
    pub(super) tick: Option<String>,
    pub(super) href: Option<String>,
    pub(super) values: Vec<u64>,
}

/// A step of lines: what it is of, and a number for each line, if there is any.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) label: String,
    pub(super) tick: Option<String>,
    pub(super) values: Option<Vec<u64>>,
}

/// A chart with its table.
#[derive(Debug, Clone)]
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) svg: Markup,
    pub(super) series: Vec<Series>,
    pub(super) rows: Vec<Row>,
}

/// A row of the table.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) label: String,
    pub(super) values: Vec<String>,
}

impl Row {
    fn new(label: &str, values: &[u64]) -> Self {
        Self { label: label.to_owned(), values: values.iter().map(|value| grouped(*value)).collect() }
    }
}

impl Bar {
    fn total(&self) -> u64 {
        self.values.iter().sum()
    }

    fn row(&self) -> Row {
        Row::new(&self.label, &self.values)
    }
}

/// Bars over time, their parts one on the other.
pub(super) fn stacked(title: &str, series: Vec<Series>, bars: &[Bar]) -> Chart {
    let most = nice(bars.iter().map(Bar::total).max().unwrap_or(0));
    // A picture has no links in it; where bars lead somewhere it is a group of them.
    let role = if bars.iter().any(|bar| bar.href.is_some()) { "group" } else { "img" };
    let mut svg = open(WIDTH, HEIGHT, title, role);
    axis(&mut svg, most);
    let step = (WIDTH - LEFT) / number(bars.len().max(1) as u64);
    for (index, bar) in bars.iter().enumerate() {
        let x = LEFT + step * number(index as u64);
        column(&mut svg, bar, &series, (x, step, most));
    }
    svg.push_str("</svg>");
    Chart { title: title.to_owned(), svg: Markup::new(svg), series, rows: bars.iter().map(Bar::row).collect() }
}

/// Lines across, and what they stand for.
fn axis(svg: &mut String, most: u64) {
    for line in 0..=LINES {
        let value = most * line / LINES;
        let y = height_of(value, most);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{:.0}\" y=\"{:.1}\" \
             text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            y + 3.0,
            grouped(value)
        );
    }
}

/// A line over time for each series, broken where there is nothing to tell.
pub(super) fn lines(title: &str, series: Vec<Series>, steps: &[Step]) -> Chart {
    let most = nice(steps.iter().filter_map(|step| step.values.as_ref()?.iter().max()).max().copied().unwrap_or(0));
    let mut svg = open(WIDTH, HEIGHT, title, "img");
    axis(&mut svg, most);
    let wide = (WIDTH - LEFT) / number(steps.len().max(1) as u64);
    let left_of = |index: usize| LEFT + wide * number(index as u64);
    for (index, s) in series.iter().enumerate() {
        let value_of = |step: &Step| step.values.as_ref().and_then(|values| values.get(index).copied());
        let points: Vec<_> = steps.iter().enumerate().map(|(at, step)| (left_of(at), value_of(step))).collect();
        for run in points.split(|(_, value)| value.is_none()).filter(|run| !run.is_empty()) {
            let place = |(x, value): &(f64, Option<u64>)| (*x, height_of(value.unwrap_or_default(), most));
            line(&mut svg, s.tone, wide, run.iter().map(place));
        }
    }
    for (index, step) in steps.iter().enumerate() {
        let (x, tall) = (left_of(index), HEIGHT - BOTTOM - TOP);
        let said = step.values.as_ref().map_or_else(
            || "no attempt".to_owned(),
            |values| {
                let each = series.iter().zip(values).map(|(s, value)| format!("{} {}", s.name, grouped(*value)));
                each.collect::<Vec<_>>().join(", ")
            },
        );
        let _ = write!(
            svg,
            "<g><title>{}: {said}</title><rect class=\"hit\" x=\"{x:.1}\" y=\"{TOP}\" width=\"{wide:.1}\" \
             height=\"{tall:.1}\"/></g>",
            Escaped(&step.label)
        );
        below(&mut svg, x, step.tick.as_deref());
    }
    svg.push_str("</svg>");
    let row = |step: &Step| match &step.values {
        Some(values) => Row::new(&step.label, values),
        None => Row { label: step.label.clone(), values: vec!["–".to_owned(); series.len()] },
    };
    let rows = steps.iter().map(row).collect();
    Chart { title: title.to_owned(), svg: Markup::new(svg), series, rows }
}

/// A run of steps without a gap: each step is level, so that one alone is seen too.
fn line(svg: &mut String, tone: &str, wide: f64, steps: impl Iterator<Item = (f64, f64)>) {
    let _ = write!(svg, "<polyline class=\"{tone}\" points=\"");
    for (x, y) in steps {
        let _ = write!(svg, "{x:.1},{y:.1} {:.1},{y:.1} ", x + wide);
    }
    svg.push_str("\"/>");
}

/// What stands beneath a step.
fn below(svg: &mut String, x: f64, tick: Option<&str>) {
    if let Some(tick) = tick {
        let _ = write!(svg, "<text x=\"{x:.1}\" y=\"{:.0}\">{}</text>", HEIGHT - 4.0, Escaped(tick));
    }
}

fn column(svg: &mut String, bar: &Bar, series: &[Series], (x, step, most): (f64, f64, u64)) {
    let link = bar.href.as_deref().filter(|_| bar.total() > 0);
    if let Some(href) = link {
        let _ = write!(svg, "<a href=\"{}\">", Escaped(href));
    }
    let parts: Vec<_> =
        series.iter().zip(&bar.values).map(|(s, value)| format!("{} {}", grouped(*value), s.name)).collect();
    let _ = write!(svg, "<g><title>{}: {}</title>", Escaped(&bar.label), Escaped(&parts.join(", ")));
    // All of the column answers to the pointer, not only what is drawn of it.
    let (gap, bottom) = ((step * 0.18).min(3.0), HEIGHT - BOTTOM);
    let _ = write!(
        svg,
        "<rect class=\"hit\" x=\"{x:.1}\" y=\"{TOP}\" width=\"{step:.1}\" height=\"{:.1}\"/>",
        bottom - TOP
    );
    let mut sum = 0;
    for (s, value) in series.iter().zip(&bar.values).filter(|(_, value)| **value > 0) {
        let (y, ground) = (height_of(sum + value, most), height_of(sum, most));
        let _ = write!(
            svg,
            "<rect class=\"{}\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            s.tone,
            x + gap / 2.0,
            step - gap,
            (ground - y).max(1.0)
        );
        sum += value;
    }
    svg.push_str("</g>");
    if link.is_some() {
        svg.push_str("</a>");
    }
    below(svg, x, bar.tick.as_deref());
}

/// Shares of a whole, each with its name and number.
pub(super) fn shares(title: &str, rows: &[(Bar, &'static str)]) -> Chart {
    let most = rows.iter().map(|(bar, _)| bar.total()).max().unwrap_or(0).max(1);
    let height = SHARE_HEIGHT * number(rows.len() as u64);
    let mut svg = open(WIDTH, height.max(SHARE_HEIGHT), title, "img");
    for (index, (bar, tone)) in rows.iter().enumerate() {
        let y = SHARE_HEIGHT * number(index as u64);
        let width = (WIDTH - 170.0) * number(bar.total()) / number(most);
        let _ = write!(
            svg,
            "<text x=\"64\" y=\"{:.0}\" text-anchor=\"end\">{}</text><rect class=\"{tone}\" x=\"72\" y=\"{:.0}\" \
             width=\"{:.1}\" height=\"11\" rx=\"2\"><title>{}: {}</title></rect><text x=\"{:.1}\" y=\"{:.0}\">{}</text>",
            y + 13.0,
            Escaped(&bar.label),
            y + 4.0,
            width.max(1.0),
            Escaped(&bar.label),
            grouped(bar.total()),
            80.0 + width,
            y + 13.0,
            grouped(bar.total())
        );
    }
    svg.push_str("</svg>");
    let series = vec![Series { tone: "accent", name: "attempts" }];
    Chart {
        title: title.to_owned(),
        svg: Markup::new(svg),
        series,
        rows: rows.iter().map(|(bar, _)| bar.row()).collect(),
    }
}

/// A small chart beside a number, of two parts: good ones, and on them bad ones.
pub(super) fn sparkline(title: &str, values: &[(u64, u64)]) -> Markup {
    let most = values.iter().map(|(good, bad)| good + bad).max().unwrap_or(0).max(1);
    let mut svg = open(SPARK_WIDTH, SPARK_HEIGHT, title, "img");
    let step = SPARK_WIDTH / number(values.len().max(1) as u64);
    let height = |value: u64| number(value) / number(most) * (SPARK_HEIGHT - 1.0);
    for (index, (good, bad)) in values.iter().enumerate() {
        let x = step * number(index as u64);
        let mut ground = SPARK_HEIGHT;
        for (tone, value) in [("good", *good), ("bad", *bad)] {
            if value > 0 {
                let tall = height(value).max(1.0);
                ground -= tall;
                let width = (step - 0.6).max(0.6);
                let _ = write!(
                    svg,
                    "<rect class=\"{tone}\" x=\"{x:.1}\" y=\"{ground:.1}\" width=\"{width:.1}\" height=\"{tall:.1}\"/>"
                );
            }
        }
    }
    svg.push_str("</svg>");
    Markup::new(svg)
}

fn open(width: f64, height: f64, title: &str, role: &str) -> String {
    let title = Escaped(title);
    format!("<svg class=\"chart\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"{role}\" aria-label=\"{title}\">")
}

fn height_of(value: u64, most: u64) -> f64 {
    let ground = HEIGHT - BOTTOM;
    ground - number(value) / number(most.max(1)) * (ground - TOP)
}

/// Counts of a chart are far below what a float holds exactly.
#[allow(clippy::cast_precision_loss, reason = "a bar is drawn to a tenth of a pixel")]
const fn number(value: u64) -> f64 {
    value as f64
}

/// The next number that reads well on an axis which is halved: 2, 4, 10, 20, 40, 100 …
fn nice(most: u64) -> u64 {
    let mut step = 1_u64;
    loop {
        for factor in [2, 4, 10] {
            let candidate = step.saturating_mul(factor);
            if candidate >= most {
                return candidate;
            }
        }
        step = step.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_numbers() {
        assert_eq!([0, 1, 3, 5, 11, 99, 401, 4_001].map(nice), [2, 2, 4, 10, 20, 100, 1_000, 10_000]);
        assert!(nice(u64::MAX) >= u64::MAX / 2);
    }

    #[test]
    fn a_chart_tells_its_numbers_and_escapes_its_texts() {
        let series = vec![Series { tone: "good", name: "delivered" }, Series { tone: "bad", name: "failed" }];
        let bar = |label: &str, values: [u64; 2]| Bar {
            label: label.to_owned(),
            tick: None,
            href: Some("/x?a=\"&b".to_owned()),
            values: values.into(),
        };
        let chart = stacked("A & B", series, &[bar("<12:00>", [1_200, 3]), bar("13:00", [0, 0])]);
        let svg = chart.svg.to_string();
        assert!(svg.contains("<title>&lt;12:00&gt;: 1,200 delivered, 3 failed</title>"), "{svg}");
        assert!(svg.contains("aria-label=\"A &amp; B\"") && svg.contains("href=\"/x?a=&#34;&amp;b\""), "{svg}");
        assert_eq!(svg.matches("<a ").count(), 1, "what is empty leads nowhere");
        assert!(svg.ends_with("</svg>") && !svg.contains("NaN"));
        assert!(!sparkline("x", &[]).to_string().contains("NaN"));
        assert!(!stacked("x", Vec::new(), &[]).svg.to_string().contains("NaN"));
    }

    #[test]
    fn a_line_is_broken_where_there_is_nothing_to_tell() {
        let series = vec![Series { tone: "good", name: "p50" }, Series { tone: "bad", name: "p99" }];
        let step = |label: &str, values: Option<[u64; 2]>| Step {
            label: label.to_owned(),
            tick: None,
            values: values.map(Vec::from),
        };
        let steps = [step("a", Some([5, 9])), step("b", None), step("c", Some([5, 1_000])), step("d", Some([6, 7]))];
        let chart = lines("Latency", series, &steps);
        let svg = chart.svg.to_string();
        assert_eq!(svg.matches("<polyline class=\"good\"").count(), 2, "{svg}");
        assert!(svg.contains("<title>c: p50 5, p99 1,000</title>") && svg.contains("<title>b: no attempt</title>"));
        assert_eq!((&chart.rows[1].values, &chart.rows[2].values[1]), (&vec!["–".to_owned(); 2], &"1,000".to_owned()));
        assert!(!lines("x", Vec::new(), &[]).svg.to_string().contains("NaN"));
    }
}
