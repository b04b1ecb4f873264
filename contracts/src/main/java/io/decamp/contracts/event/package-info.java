/**
 * What services and nodes tell each other over Kafka, as plain data: names, layout, limits. No I/O, no Kafka classes.
 */
package io.decamp.contracts.event;
