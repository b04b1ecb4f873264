package io.decamp.cli.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A picture of measured data: panels below each other, each with axes of its own. Readable on light and on dark ground;
 * no fonts, scripts or colours from elsewhere.
 */
final class SvgPlot {
    private static final int WIDTH = 860;
    private static final int LEFT = 76;
    private static final int RIGHT = 20;
    private static final int HEAD = 40;
    private static final int PANEL = 200;
    private static final int LEGEND = 22;
    private static final int FOOT = 48;
    private static final int TICKS = 6;
    private static final int CHARACTER = 7;
    private static final String STYLE =
            """
            text{font:12px sans-serif;fill:#606770}.t{font-size:15px;font-weight:600}
            .g{stroke:#8886;stroke-width:.5}.a{stroke:#888;fill:none}.l{stroke-width:1.8;stroke-linejoin:round}
            .c0{stroke:#8a8f98;fill:#8a8f98}.c1{stroke:#d9822b;fill:#d9822b}.c2{stroke:#2f7fd1;fill:#2f7fd1}
            .c3{stroke:#2e9e6b;fill:#2e9e6b}.b{stroke:none;fill:#888;fill-opacity:.10}.l{fill:none}
            @media(prefers-color-scheme:dark){text{fill:#b4bac4}}
            """;

    /** How points are shown. */
    enum Mark {
        LINE,
        /** A value holds until the next one. */
        STEP,
        /** A line with its points. */
        DOTTED,
        POINTS
    }

    /** @param points x and y of each, x ascending */
    record Series(String name, Mark mark, List<double[]> points) {}

    /** A stretch of the x axis, such as a phase. @param name may be empty */
    record Band(String name, double from, double to, boolean shaded) {}

    record Panel(String xLabel, String yLabel, List<Series> series, List<Band> bands) {}

    private final StringBuilder svg = new StringBuilder();

    private SvgPlot() {}

    static String of(String title, List<Panel> panels) {
        SvgPlot plot = new SvgPlot();
        int height = HEAD + panels.size() * (LEGEND + PANEL + FOOT);
        plot.add("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">%n", WIDTH, height);
        plot.svg.append("<title>").append(escaped(title)).append("</title>\n");
        plot.svg.append("<style>").append(STYLE).append("</style>\n");
        plot.text(WIDTH / 2.0, 24, "t", "middle", title);
        for (int i = 0; i < panels.size(); i++) {
            plot.panel(panels.get(i), HEAD + i * (LEGEND + PANEL + FOOT));
        }
        return plot.svg.append("</svg>\n").toString();
    }

    private void panel(Panel panel, int above) {
        int top = above + LEGEND;
        Axis x = Axis.of(values(panel, 0), LEFT, WIDTH - RIGHT, false);
        Axis y = Axis.of(values(panel, 1), top + PANEL, top, true);
        for (Band band : panel.bands()) {
            double from = x.at(Math.max(x.low, band.from()));
            double to = x.at(Math.min(x.high, band.to()));
            if (band.shaded()) {
                add("<rect class=\"b\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" ", from, top, to - from);
                add("height=\"%d\"/>%n", PANEL);
            }
            text((from + to) / 2, top + 13, "", "middle", band.name());
        }
        for (double tick : y.ticks()) {
            add("<path class=\"g\" d=\"M%d %.1fH%d\"/>%n", LEFT, y.at(tick), WIDTH - RIGHT);
            text(LEFT - 6, y.at(tick) + 4, "", "end", y.label(tick));
        }
        for (double tick : x.ticks()) {
            add("<path class=\"a\" d=\"M%.1f %dv4\"/>%n", x.at(tick), top + PANEL);
            text(x.at(tick), top + PANEL + 17, "", "middle", x.label(tick));
        }
        add("<path class=\"a\" d=\"M%d %dV%dH%d\"/>%n", LEFT, top, top + PANEL, WIDTH - RIGHT);
        text((LEFT + WIDTH - RIGHT) / 2.0, top + PANEL + 34, "", "middle", panel.xLabel());
        text(LEFT, above + 13, "", "start", panel.yLabel());
        double legend = LEFT + (double) CHARACTER * panel.yLabel().length() + 30;
        for (int i = 0; i < panel.series().size(); i++) {
            Series s = panel.series().get(i);
            draw(s, i, x, y);
            if (s.name().isEmpty()) {
                continue;
            }
            add("<path class=\"l c%d\" d=\"M%.1f %dh18\"/>%n", i, legend, above + 9);
            text(legend + 24, above + 13, "", "start", s.name());
            legend += 44 + (double) CHARACTER * s.name().length();
        }
    }

    private void draw(Series series, int colour, Axis x, Axis y) {
        StringBuilder path = new StringBuilder();
        for (double[] p : series.points()) {
            double px = x.at(p[0]);
            double py = y.at(p[1]);
            if (series.mark() == Mark.STEP && !path.isEmpty()) {
                path.append(String.format(Locale.ROOT, "H%.1f", px));
            }
            path.append(String.format(Locale.ROOT, "%s%.1f %.1f", path.isEmpty() ? "M" : "L", px, py));
            if (series.mark() == Mark.DOTTED || series.mark() == Mark.POINTS) {
                add("<circle class=\"c%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\"/>%n", colour, px, py);
            }
        }
        if (series.mark() != Mark.POINTS && !path.isEmpty()) {
            add("<path class=\"l c%d\" d=\"%s\"/>%n", colour, path);
        }
    }

    private static List<Double> values(Panel panel, int dimension) {
        List<Double> all = new ArrayList<>();
        panel.series().forEach(s -> s.points().forEach(p -> all.add(p[dimension])));
        return all;
    }

    private void text(double x, double y, String style, String anchor, String text) {
        add("<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", style, x, y, anchor);
        svg.append(escaped(text)).append("</text>\n");
    }

    private void add(String format, Object... values) {
        svg.append(String.format(Locale.ROOT, format, values));
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }

    /** From data to a place in the picture. Starts at zero where that wastes less than half of it. */
    private record Axis(double low, double high, double from, double to) {
        private static final double[] ROUND = {1, 2, 5, 10};

        static Axis of(List<Double> values, double from, double to, boolean fromZero) {
            double min = values.stream().mapToDouble(Double::doubleValue).min().orElse(0);
            double max = values.stream().mapToDouble(Double::doubleValue).max().orElse(1);
            double low = fromZero || min > 0 && min < max / 2 ? Math.min(0, min) : min;
            double high = max > low ? max : low + 1;
            return new Axis(low, fromZero ? high * 1.06 : high, from, to);
        }

        double at(double value) {
            return from + (value - low) / (high - low) * (to - from);
        }

        private double step() {
            double raw = (high - low) / TICKS;
            double power = Math.pow(10, Math.floor(Math.log10(raw)));
            for (double round : ROUND) {
                if (round * power >= raw) {
                    return round * power;
                }
            }
            return 10 * power;
        }

        List<Double> ticks() {
            List<Double> ticks = new ArrayList<>();
            double step = step();
            for (double i = Math.ceil(low / step); i * step <= high; i++) {
                ticks.add(i * step);
            }
            return ticks;
        }

        String label(double tick) {
            int digits = Math.clamp((int) Math.ceil(-Math.log10(step())), 0, 6);
            return String.format(Locale.ROOT, "%,." + digits + "f", tick);
        }
    }
}
