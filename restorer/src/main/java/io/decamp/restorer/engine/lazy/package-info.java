/** The lazy page server: answers a restored copy's page faults from its replica, and outlives its own death. */
package io.decamp.restorer.engine.lazy;
