//! Plots as SVG (W3C SVG 1.1), without scripts or anything fetched. Does not know what the numbers mean.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use super::text::escaped;

/// The size of a plot, and the room left for its scales, in SVG units.
const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 44.0;

/// Marks on a scale.
const MARKS: u32 = 5;

/// One plot.
#[derive(Debug)]
pub struct Plot<'a> {
    /// What the horizontal scale is.
    pub across: &'a str,
    /// What the vertical scale is.
    pub up: &'a str,
    /// The range of each.
    pub x: RangeInclusive<f64>,
    pub y: RangeInclusive<f64>,
    /// What is drawn, the last on top.
    pub series: Vec<Series<'a>>,
}

/// Points of one kind.
#[derive(Debug)]
pub struct Series<'a> {
    /// Its name in the legend; without one it is not in it.
    pub name: &'a str,
    /// The name of its colour in the style sheet.
    pub colour: &'static str,
    /// How the points are drawn.
    pub form: Form,
    /// In the units of the scales. What lies outside is drawn at the edge.
    pub points: Vec<(f64, f64)>,
}

/// How points are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// From each to the next.
    Line,
    /// Level until the next point.
    Steps,
    /// A bar up from the bottom, from each point to the next one's place.
    Bars,
    /// A dot for each.
    Dots,
}

impl Plot<'_> {
    /// The plot as an `svg` element. `described` says in words what it shows, for whoever cannot see it.
    pub fn svg(&self, described: &str) -> String {
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\n",
            escaped(described)
        );
        self.scales(&mut svg);
        for series in &self.series {
            self.drawn(series, &mut svg);
        }
        self.legend(&mut svg);
        svg.push_str("</svg>\n");
        svg
    }

    fn at_x(&self, x: f64) -> f64 {
        LEFT + share(x, &self.x) * (WIDTH - LEFT - RIGHT)
    }

    fn at_y(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - share(y, &self.y) * (HEIGHT - TOP - BOTTOM)
    }

    fn scales(&self, svg: &mut String) {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for mark in 0..=MARKS {
            let part = f64::from(mark) / f64::from(MARKS);
            let (x, y) = (between(&self.x, part), between(&self.y, part));
            let (across, up) = (self.at_x(x), self.at_y(y));
            // Writing to a string cannot fail, here and below.
            writeln!(
                svg,
                "<path class=\"grid\" d=\"M{LEFT} {up:.1}H{right}M{across:.1} {TOP}V{bottom}\"/>\
                 <text x=\"{across:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                bottom + 16.0,
                number(x, &self.x),
                LEFT - 6.0,
                up + 4.0,
                number(y, &self.y),
            )
            .unwrap_or_default();
        }
        let middle = (LEFT + right) / 2.0;
        let centre = (TOP + bottom) / 2.0;
        writeln!(
            svg,
            "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>\
             <text transform=\"translate(13 {centre}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            HEIGHT - 8.0,
            escaped(self.across),
            escaped(self.up),
        )
        .unwrap_or_default();
    }

    fn drawn(&self, series: &Series<'_>, svg: &mut String) {
        let points: Vec<(f64, f64)> = series
            .points
            .iter()
            .map(|&(x, y)| (self.at_x(x), self.at_y(y)))
            .collect();
        let colour = series.colour;
        if series.form == Form::Dots {
            for (x, y) in &points {
                write!(
                    svg,
                    "<circle class=\"{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>"
                )
                .unwrap_or_default();
            }
            return svg.push('\n');
        }
        let bottom = HEIGHT - BOTTOM;
        let mut path = String::new();
        for (number, (x, y)) in points.iter().enumerate() {
            match (series.form, number) {
                (Form::Bars, _) => {
                    let end = points.get(number + 1).map_or(*x, |next| next.0);
                    write!(path, "M{x:.1} {bottom}V{y:.1}H{end:.1}V{bottom}Z")
                }
                (_, 0) => write!(path, "M{x:.1} {y:.1}"),
                (Form::Steps, _) => write!(path, "H{x:.1}V{y:.1}"),
                _ => write!(path, "L{x:.1} {y:.1}"),
            }
            .unwrap_or_default();
        }
        let kind = if series.form == Form::Bars { "bars" } else { "line" };
        writeln!(svg, "<path class=\"{kind} {colour}\" d=\"{path}\"/>").unwrap_or_default();
    }

    fn legend(&self, svg: &mut String) {
        let named = self.series.iter().filter(|series| !series.name.is_empty());
        for (row, series) in named.enumerate() {
            let y = TOP + 14.0 + 16.0 * row as f64;
            writeln!(
                svg,
                "<circle class=\"{}\" cx=\"{}\" cy=\"{}\" r=\"4\"/><text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
                series.colour,
                WIDTH - RIGHT - 10.0,
                y - 4.0,
                WIDTH - RIGHT - 20.0,
                y,
                escaped(series.name),
            )
            .unwrap_or_default();
        }
    }
}

/// Where in a range a number lies, from 0 to 1.
fn share(number: f64, range: &RangeInclusive<f64>) -> f64 {
    let size = range.end() - range.start();
    if size <= 0.0 || number.is_nan() {
        return 0.0;
    }
    ((number - range.start()) / size).clamp(0.0, 1.0)
}

fn between(range: &RangeInclusive<f64>, part: f64) -> f64 {
    range.start() + part * (range.end() - range.start())
}

/// A mark's number, with as many digits as its range needs.
fn number(number: f64, range: &RangeInclusive<f64>) -> String {
    match range.end() - range.start() {
        size if size >= 20.0 => format!("{number:.0}"),
        size if size >= 2.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(form: Form, points: Vec<(f64, f64)>) -> String {
        let series = Series {
            name: "a < b",
            colour: "spam",
            form,
            points,
        };
        Plot {
            across: "x & more",
            up: "y",
            x: 0.0..=10.0,
            y: 0.0..=100.0,
            series: vec![series],
        }
        .svg("two \"points\"")
    }

    #[test]
    fn points_lie_where_they_should() {
        let svg = plot(Form::Line, vec![(0.0, 0.0), (10.0, 100.0), (50.0, -1.0)]);
        assert!(svg.contains("d=\"M58.0 256.0L446.0 12.0L446.0 256.0\""), "{svg}");
        let svg = plot(Form::Steps, vec![(0.0, 50.0), (5.0, 100.0)]);
        assert!(svg.contains("d=\"M58.0 134.0H252.0V12.0\""), "{svg}");
        let svg = plot(Form::Bars, vec![(0.0, 50.0), (5.0, 0.0)]);
        assert!(svg.contains("d=\"M58.0 256V134.0H252.0V256Z"), "{svg}");
    }

    #[test]
    fn nothing_breaks_out_and_nothing_is_no_number() {
        let svg = plot(Form::Dots, vec![(f64::NAN, f64::INFINITY)]);
        assert!(svg.contains("cx=\"58.0\" cy=\"12.0\""), "{svg}");
        assert!(
            svg.contains("a &lt; b")
                && svg.contains("x &amp; more")
                && svg.contains("two &quot;points&quot;")
        );
        assert_eq!(share(1.0, &(5.0..=5.0)), 0.0);
    }
}
