/** /proc: acquisition in {@link io.decamp.linux.proc.ProcFs}, meaning in parsers that take text. */
package io.decamp.linux.proc;
