// Prints, as JSON, the WebGPU adapter that Dawn gives a Node process with this environment, or null. A process of its own, because the
// Vulkan loader and its drivers are chosen by environment variables that must be set before the process starts. Plain JavaScript: no tsx to load.
import { create } from "webgpu";

const adapter = await create([]).requestAdapter({ powerPreference: "high-performance" });
if (adapter === null) {
  console.log("null");
} else {
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  const limits = {};
  for (const name in adapter.limits) limits[name] = adapter.limits[name];
  const features = [...adapter.features].sort();
  console.log(JSON.stringify({ vendor, architecture, device, description, software: isFallbackAdapter, features, limits }));
}
process.exit(0); // Dawn would keep Node alive
