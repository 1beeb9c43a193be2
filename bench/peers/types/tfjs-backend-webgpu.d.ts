/** Of @tensorflow/tfjs-backend-webgpu, what is used here: types are checked whether or not it is installed. */

export {};
