/** What a page can learn of the browser, the machine and the adapter. */
import { adapterName, adapterText } from "../adapter-name.js";
import type { Report } from "../report.js";

export interface Here {
  /** Name and version. */
  readonly browser: string;
  readonly machine: Report["machine"];
  /** Null where there is no WebGPU. */
  readonly adapter: AdapterFacts | null;
  /** Why there is none. */
  readonly missing: string | null;
}

interface AdapterFacts {
  readonly text: string;
  readonly software: boolean;
  /** Driver, backend and the like, where the browser tells. */
  readonly driver: string;
  readonly features: readonly string[];
}

/** Of Chromium's User-Agent Client Hints, what is used here. */
interface UserAgentData {
  getHighEntropyValues(hints: readonly string[]): Promise<{
    readonly architecture?: string;
    readonly bitness?: string;
    readonly platform?: string;
    readonly platformVersion?: string;
    readonly fullVersionList?: readonly { readonly brand: string; readonly version: string }[];
  }>;
}

export async function learnHere(): Promise<Here> {
  const { userAgentData } = navigator as Navigator & { readonly userAgentData?: UserAgentData };
  const hints = await userAgentData?.getHighEntropyValues(["architecture", "bitness", "platformVersion", "fullVersionList"]);
  // One of the brands is nonsense, so that nobody relies on the list; a product's own name says more than Chromium.
  const brands = (hints?.fullVersionList ?? []).filter(({ brand }) => !/not.?a.?brand/i.test(brand.replaceAll(/[^a-z]/gi, "")));
  const brand = brands.find(({ brand: name }) => name !== "Chromium") ?? brands[0];
  const cpu = [hints?.architecture ?? "", hints?.bitness ? `${hints.bitness} bit` : ""].filter((text) => text !== "").join(", ");
  return {
    browser: brand ? `${brand.brand} ${brand.version}` : browserOf(navigator.userAgent),
    machine: {
      cpu: cpu === "" ? "unknown CPU" : cpu,
      cores: navigator.hardwareConcurrency,
      os: hints?.platform ? `${hints.platform} ${hints.platformVersion ?? ""}`.trim() : navigator.platform,
    },
    ...(await learnAdapter()),
  };
}

function browserOf(userAgent: string): string {
  const [, name, version] = /(Firefox|Edg|Chrome|Version)\/([\d.]+)/.exec(userAgent) ?? [];
  return name === undefined ? userAgent : `${name === "Version" ? "Safari" : name} ${version}`;
}

async function learnAdapter(): Promise<Pick<Here, "adapter" | "missing">> {
  const none = (missing: string): Pick<Here, "adapter" | "missing"> => ({ adapter: null, missing });
  if (!isSecureContext) return none("this page is not in a secure context: serve it over https, or from localhost");
  const gpu = (navigator as Partial<Pick<Navigator, "gpu">>).gpu;
  if (gpu === undefined)
    return none("this browser has none, or has it switched off: Chrome and Edge 113, Safari 26 and Firefox 141 or newer have it");
  const adapter = await gpu.requestAdapter();
  if (adapter === null) return none("the browser has it, but finds no adapter for it: chrome://gpu says why");
  const name = adapterName(adapter.info, null);
  // Only with developer features on.
  const { driver, backend, type } = adapter.info as {
    readonly driver?: string;
    readonly backend?: string;
    readonly type?: string;
  };
  const told = [driver, backend, type].filter((text) => text !== undefined && text !== "").join(", ");
  const features = ["shader-f16", "subgroups", "timestamp-query"].filter((feature) => adapter.features.has(feature));
  return { adapter: { text: adapterText(name), software: name.software, driver: told, features }, missing: null };
}
