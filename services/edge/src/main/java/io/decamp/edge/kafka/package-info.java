/**
 * The control plane on Kafka's plain client: events out and in, the hand-off register, views of compacted topics. Plain
 * classes that a service's beans and the command line construct; no CDI, no reactive messaging, which costs 5-10 ms a
 * hop where a frozen container waits.
 */
package io.decamp.edge.kafka;
