/** Runs criu and container runtimes, and their scripts. */
package io.decamp.linux.command;
