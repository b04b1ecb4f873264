/**
 * In which order dirty pages leave and when enough of them has left: rounds of a scan and what is sent after it. Plain
 * computation over a {@link io.decamp.snapshotter.engine.propagation.RoundPort}: real memory and a real link, or a
 * model of both.
 */
package io.decamp.snapshotter.engine.propagation;
