/** A Kafka broker for a lone machine: embedded in a test or a node, or as a process of its own. */
package io.decamp.broker;
