/** Traces: one SDK for services and command line, spans kept on the node, optionally sent to a collector. */
package io.decamp.edge.trace;
