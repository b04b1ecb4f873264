package io.decamp.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.StringReader;
import java.util.List;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class SvgPlotTest {
    private static final double[][] DIAGONAL = {{0, 0}, {1, 10}, {2, 20}};

    @Test
    void shouldDrawEverySeriesOfEveryPanelInWellFormedXml() throws Exception {
        Document svg = parse(SvgPlot.of(
                "A <title> & more",
                List.of(
                        new SvgPlot.Panel(
                                "x",
                                "y",
                                List.of(
                                        series("a", SvgPlot.Mark.LINE, new double[] {0, 1}, new double[] {10, 5}),
                                        series("b", SvgPlot.Mark.POINTS, new double[] {5, 3})),
                                List.of(new SvgPlot.Band("phase", 2, 4, true))),
                        new SvgPlot.Panel("x", "y", List.of(series("c", SvgPlot.Mark.STEP)), List.of()))));

        assertEquals(1, svg.getElementsByTagName("circle").getLength());
        assertEquals(1, svg.getElementsByTagName("rect").getLength());
        assertTrue(texts(svg).containsAll(List.of("A <title> & more", "phase", "a", "b", "c")), texts(svg).toString());
    }

    @Test
    void shouldPutPointsWhereTheyBelong() throws Exception {
        Document svg = parse(SvgPlot.of(
                "",
                List.of(new SvgPlot.Panel(
                        "x",
                        "y",
                        List.of(series("s", SvgPlot.Mark.POINTS, DIAGONAL)),
                        List.of()))));

        NodeList dots = svg.getElementsByTagName("circle");
        double[] x = new double[3];
        double[] y = new double[3];
        for (int i = 0; i < 3; i++) {
            x[i] = Double.parseDouble(((Element) dots.item(i)).getAttribute("cx"));
            y[i] = Double.parseDouble(((Element) dots.item(i)).getAttribute("cy"));
        }
        assertTrue(x[0] < x[1] && x[1] < x[2], "x grows to the right");
        assertTrue(y[0] > y[1] && y[1] > y[2], "y grows upwards");
        assertEquals(x[1], (x[0] + x[2]) / 2, 0.11);
        assertEquals(y[1], (y[0] + y[2]) / 2, 0.11);
    }

    @Test
    void shouldDrawNoNumberThatIsNone() {
        SvgPlot.Series flat = series("flat", SvgPlot.Mark.LINE, new double[] {3, 0});

        String svg = SvgPlot.of("", List.of(new SvgPlot.Panel("x", "y", List.of(flat), List.of())));

        assertFalse(svg.contains("NaN") || svg.contains("Infinity"), svg);
    }

    private static SvgPlot.Series series(String name, SvgPlot.Mark mark, double[]... points) {
        return new SvgPlot.Series(name, mark, List.of(points));
    }

    private static Document parse(String svg) throws Exception {
        return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(svg)));
    }

    private static List<String> texts(Document svg) {
        NodeList all = svg.getElementsByTagName("text");
        return IntStream.range(0, all.getLength())
                .mapToObj(i -> all.item(i).getTextContent())
                .toList();
    }
}
